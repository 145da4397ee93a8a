"""What all cards share."""
