// FOUND text -- AttributeError: a global of a scalar type
memref.global @g : i32 = dense<1>
