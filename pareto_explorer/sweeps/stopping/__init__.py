"""What ends trials and sweeps early."""
