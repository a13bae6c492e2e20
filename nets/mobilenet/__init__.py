"""MobileNet v2, v3 and EdgeTPU."""
