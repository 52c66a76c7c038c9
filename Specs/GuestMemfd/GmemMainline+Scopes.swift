import SpecLanguage

extension GmemMainline {
  private static let region = ["KVM_SET_USER_MEMORY_REGION2", deleteName]
  private static let creation = ["KVM_CREATE_VM", "KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD"]
  private static let ends = [
    "close(vm)", "close(vcpu)", "close(gmem)", releaseName, "kvm_destroy_vm",
  ]

  @ListBuilder<Scope>
  public var scopes: [Scope] {
    Scope(
      "small", "one of each, one thread that makes every call", ["CARRIERS": 1, "WRITES": 1],
      parts: [
        ThreadPart(
          "vmm",
          calls: Self.creation + Self.region + Self.ends + [
            "KVM_SET_MEMORY_ATTRIBUTES", "fallocate", "mmap", "munmap", "touch",
            "KVM_PRE_FAULT_MEMORY", "dup", "open(O_PATH)", "pin", "unpin", "close(copy)",
            "close(path)",
          ])
      ])
    Scope(
      "replay", "recorded calls",
      [
        "vcpus": 8, "pages": 62, "slots": 12, "files": 8, "indices": 62, "vmas": 8, "hosts": 62,
        "bytes": 255, "shifts": 123, "bias": 61, "TYPE": 2, "ARGUMENTS": 1, "CARRIERS": 1,
        "WRITES": 1, "ENVIRONMENT": 1,
      ])
  }
}
