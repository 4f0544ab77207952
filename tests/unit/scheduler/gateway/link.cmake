set(extra platform gRPC::grpc++)
