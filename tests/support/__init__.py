"""What several tests share: fixtures, processes, scans, strategies."""
