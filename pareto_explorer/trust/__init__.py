"""What strangers send: files as data, code only when asked for, no secrets told on."""
