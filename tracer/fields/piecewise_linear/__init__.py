"""Networks that are linear between kinks: exact values, and the regions of their activation patterns."""
