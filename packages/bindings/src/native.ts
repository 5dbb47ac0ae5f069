/** The addon. Every other file of this package takes it from here, and no other package loads it. */
export * from "@sferic/native";
