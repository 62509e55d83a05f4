"""What may not leave the collector in free text: who looks for it, and how it is replaced."""
