"""System 2: streamed chat with a supervisor looking on, answered by Amazon Bedrock, paid through accounting."""
