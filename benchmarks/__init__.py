"""Speed against other tools' counters, and of a sweep of a million design points."""
