import SpecLanguage

extension GmemMainline {
  private static let creation = ["KVM_CREATE_VM", "KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD"]
  private static let region: [String] = [regionName, deleteName]
  private static let closes = ["close(vm)", "close(vcpu)", "close(gmem)"]
  private static let late = [releaseName, "kvm_destroy_vm"]
  private static let userMemory = ["mmap", "munmap", "touch"]
  private static let guestMemory = [
    "KVM_SET_MEMORY_ATTRIBUTES", "fallocate", "KVM_PRE_FAULT_MEMORY",
  ]
  private static let carriersOfReferences = [
    "dup", "open(O_PATH)", "pin", "unpin", "close(copy)", "close(path)",
  ]

  private static let guest = creation + region + guestMemory + closes + late
  private static let everything = guest + userMemory + carriersOfReferences

  @ListBuilder<Scope>
  public var scopes: [Scope] {
    Scope(
      "small", "one of each, one thread that makes every call", ["CARRIERS": 1, "WRITES": 1],
      parts: [ThreadPart("vmm", calls: Self.everything)])
    Scope(
      "shared", "the same for a VM of the default type, whose files user space maps",
      ["CARRIERS": 1, "WRITES": 1, "TYPE": 1],
      parts: [ThreadPart("vmm", calls: Self.everything)])
    Scope(
      "slots", "one file that two memslots may be bound to, page by page, at any distance",
      ["pages": 2, "indices": 2, "slots": 2, "shifts": 3, "bias": 1],
      parts: [ThreadPart("vmm", calls: Self.guest)])
    Scope(
      "race", "one of each, two threads", ["threads": 2],
      parts: [ThreadPart("vmm", threads: 2, calls: Self.guest)])
    Scope(
      "race-shared", "one of each, two threads, a VM of the default type",
      ["threads": 2, "TYPE": 1],
      parts: [ThreadPart("vmm", threads: 2, calls: Self.guest + Self.userMemory)])
    Scope(
      "poison", "one of each; a thread that releases files, and memory that fails",
      ["threads": 3, "POISON": 1],
      parts: [
        ThreadPart(
          "vmm",
          calls: Self.creation + Self.region + [
            "KVM_SET_MEMORY_ATTRIBUTES", "KVM_PRE_FAULT_MEMORY", "close(gmem)", "close(vm)",
            "close(vcpu)",
          ]),
        ThreadPart("late", calls: Self.late),
        ThreadPart("machine", calls: [Self.failureName, "fallocate"]),
      ])
    Scope(
      "two", "two files of two pages, two memslots, two threads",
      ["files": 2, "pages": 2, "indices": 2, "slots": 2, "threads": 2, "SINGLE": 1],
      parts: [
        ThreadPart("memslots", calls: Self.creation + Self.region + Self.closes),
        ThreadPart("guest", calls: Self.guestMemory + Self.late),
      ])
    Scope(
      "holder", "one file of four pages: a thread that converts, one that faults pages in",
      ["pages": 4, "indices": 4, "threads": 2, "SINGLE": 1, "WHOLE": 1],
      parts: [
        ThreadPart(
          "converter",
          calls: Self.creation + [
            Self.regionName, "KVM_SET_MEMORY_ATTRIBUTES", "fallocate",
          ]),
        ThreadPart("holder", calls: ["KVM_PRE_FAULT_MEMORY"]),
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
