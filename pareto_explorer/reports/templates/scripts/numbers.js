// Numbers in words as Python writes them: halves go to the even digit, which JavaScript's own rounding does not do.
const numbers = (() => {
  const even = (digit) => "02468".includes(digit);
  const halfway = (rest) => /^50*$/.test(rest);
  const exact = 100; // decimals that JavaScript writes exactly; a half never needs as many
  const fixed = (value, decimals) => {
    const text = value.toFixed(decimals);
    const whole = value.toFixed(exact);
    const kept = whole.slice(0, whole.length - exact + decimals);
    return halfway(whole.slice(whole.length - exact + decimals)) && even(kept.replace(".", "").at(-1)) ? kept.replace(/\.$/, "") : text;
  };
  const rounded = (value, digits) => { // digits and exponent of a positive number
    const [mantissa, power] = value.toExponential(exact).split("e");
    const all = mantissa.replace(".", "");
    if (halfway(all.slice(digits)) && even(all[digits - 1])) return [all.slice(0, digits), Number(power)];
    const [near, exponent] = value.toExponential(digits - 1).split("e");
    return [near.replace(".", ""), Number(exponent)];
  };
  // f"{value:.{digits}g}"
  const general = (value, digits = 6) => {
    if (value === 0) return "0";
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
    const [found, exponent] = rounded(Math.abs(value), digits);
    const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    let text;
    if (exponent < -4 || exponent >= digits) {
      const size = String(Math.abs(exponent)).padStart(2, "0");
      text = `${trimmed(`${found[0]}.${found.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${size}`;
    } else if (exponent < 0) text = trimmed(`0.${"0".repeat(-exponent - 1)}${found}`);
    else text = trimmed(`${found.slice(0, exponent + 1)}.${found.slice(exponent + 1)}`);
    return (value < 0 ? "-" : "") + text;
  };
  const measure = (value) => (value === 0 || (Math.abs(value) >= 5e-5 && Math.abs(value) < 1e4) ? fixed(value, 4) : general(value, 2));
  const whole = (value) => fixed(value, 0).replace(/\B(?=(\d{3})+$)/g, ",");
  const count = (number, one, several = `${one}s`) => `${whole(number)} ${number === 1 ? one : several}`;
  return { fixed, general, measure, whole, count };
})();
