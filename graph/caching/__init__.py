"""What has been worked out before."""
