"""ONNX files, read into networks."""
