"""The operators of ONNX that can be read, a table for each kind."""
