import ConformanceKit

/// Calls about memory.
extension KernelWords {
  private static let page: Int64 = 4096
  /// Where the memory that can be read ends.
  private static let readableEnd: Int64 = 8 << 20

  func onMemory(_ name: String, _ given: ClassArguments) -> Call? {
    switch name {
    case "KVM_CREATE_GUEST_MEMFD": createMemory(given)
    case "KVM_SET_USER_MEMORY_REGION2": setRegion(given)
    case "KVM_SET_MEMORY_ATTRIBUTES": setAttributes(given)
    case "KVM_TDX_INIT_MEM_REGION": initRegion(given)
    case "KVM_PRE_FAULT_MEMORY": preFault(given)
    case "fallocate": fallocate(given)
    default: nil
    }
  }

  private func createMemory(_ given: ClassArguments) -> Call? {
    guard let mmap = given.flag("flag_mmap"), let shared = given.flag("init_shared"),
      let file = gmem(given)
    else { return nil }
    let size = given.isFine ? Int64(indices) * Self.page : 1
    return Call(
      "KVM_CREATE_GUEST_MEMFD",
      [
        "on": "vm0", "new": .text(file), "size": .integer(size),
        "flags": .integer((mmap ? 1 : 0) | (shared ? 2 : 0)),
      ])
  }

  /// The address of user memory of which as much can be read as asked for: all, or nothing.
  private func source(_ unmapped: Range<Int>?, of pages: Range<Int>) -> TestValue? {
    if unmapped?.isEmpty == true { return "buf+0x0" }
    guard unmapped == pages else { return nil }
    return .text("buf+0x" + String(Self.readableEnd, radix: 16))
  }

  private func setRegion(_ given: ClassArguments) -> Call? {
    let flags: [String: Int64] = ["none": 0, "readOnly": 2, "guestMemfd": 4, "refused": 8]
    guard given.isFine, given.name("gpa") == "low", let slot = given.element("slot"),
      let pages = given.range("range"), let bits = given.name("flags").flatMap({ flags[$0] }),
      let hva = source(given.range("hva_unmapped"), of: pages)
    else { return nil }
    var arguments: [String: TestValue] = [
      "on": "vm0", "slot": .integer(Int64(slot)), "flags": .integer(bits), "hva": hva,
      "gpa": .integer(Int64(pages.lowerBound) * Self.page),
      "size": .integer(Int64(pages.count) * Self.page), "gmem_offset": 0,
    ]
    guard given.name("size") == (pages.isEmpty ? "zero" : "some") else { return nil }
    switch given.name("backing") {
    case "notOpen": break
    case "file":
      guard let file = gmem(given), let shift = given.element("offset"),
        pages.lowerBound + shift >= bias
      else { return nil }
      let offset = Int64(pages.lowerBound + shift - bias)
      guard offset + Int64(pages.count) <= Int64(indices) else { return nil }
      arguments["gmem"] = .text(file)
      arguments["gmem_offset"] = .integer(offset * Self.page)
    default: return nil
    }
    return Call("KVM_SET_USER_MEMORY_REGION2", arguments)
  }

  private func setAttributes(_ given: ClassArguments) -> Call? {
    guard let pages = given.range("range"), let isPrivate = given.flag("private"),
      !(given.isFine && pages.isEmpty)
    else { return nil }
    return Call(
      "KVM_SET_MEMORY_ATTRIBUTES",
      [
        "on": "vm0", "gpa": .integer(Int64(pages.lowerBound) * Self.page),
        "size": .integer(Int64(pages.count) * Self.page),
        "attributes": isPrivate ? 8 : 0, "flags": given.isFine ? 0 : 1,
      ])
  }

  private func initRegion(_ given: ClassArguments) -> Call? {
    // The command's own flags are the region's.
    guard given.name("cmd") != "flags", given.name("gpa") == "low",
      let pages = given.range("range"), let cpu = given.element("vcpu"),
      var address = source(given.range("source_unmapped"), of: pages)
    else { return nil }
    var more: [String: TestValue] = [:]
    switch given.name("region") {
    case "fine" where !pages.isEmpty: break
    case "measured" where !pages.isEmpty: more["flags"] = 1
    case "unknownFlags" where !pages.isEmpty: more["flags"] = 2
    case "unreadable" where pages.isEmpty: more["data"] = "NULL"
    case "malformed":
      guard address == "buf+0x0" else { return nil }
      if !pages.isEmpty { address = "buf+0x1" }
    default: return nil
    }
    // The last byte of no page at all would lie below the first.
    more["gpa"] = .integer(Int64(pages.isEmpty ? 1 : pages.lowerBound) * Self.page)
    more["nr_pages"] = .integer(Int64(pages.count))
    more["source"] = address
    return command("KVM_TDX_INIT_MEM_REGION", "vcpu\(cpu)", given, more)
  }

  private func preFault(_ given: ClassArguments) -> Call? {
    guard given.name("gpa") ?? "low" == "low", let pages = given.range("range"),
      let cpu = given.element("vcpu"), !(given.isFine && pages.isEmpty)
    else { return nil }
    return Call(
      "KVM_PRE_FAULT_MEMORY",
      [
        "on": .text("vcpu\(cpu)"), "gpa": .integer(Int64(pages.lowerBound) * Self.page),
        "size": .integer(Int64(pages.count) * Self.page), "flags": given.isFine ? 0 : 1,
      ])
  }

  private func fallocate(_ given: ClassArguments) -> Call? {
    let modes = ["punchHole": "PUNCH_HOLE|KEEP_SIZE", "allocate": "KEEP_SIZE", "unsupported": ""]
    guard let mode = given.name("mode").flatMap({ modes[$0] }), let pages = given.range("extent"),
      let file = gmem(given), given.isFine != pages.isEmpty
    else { return nil }
    return Call(
      "fallocate",
      [
        "on": .text(file), "mode": .text(mode),
        "offset": .integer(Int64(pages.lowerBound) * Self.page),
        "len": .integer(Int64(pages.count) * Self.page),
      ])
  }
}
