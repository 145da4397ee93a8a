"""What is more than luck: intervals, comparisons, and what they rest on."""
