"""scikit-learn's fitted estimators, read into networks and kernel fields."""
