"""What is traced: functions of two variables whose zero set is the boundary."""
