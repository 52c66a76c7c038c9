import ConformanceKit

// Calls on memfds and on mappings of them.
extension KVMBackend {
  mutating func onMemory(
    _ given: KVMArguments, _ memory: GuestMemory, _ file: OpenFile, _ kernel: inout KernelCall
  ) throws -> Int {
    switch given.call.name {
    case "fallocate":
      try host.allocate(
        memory, given.text("mode") ?? "", offset: try given.word("offset"),
        length: try given.word("len"), &kernel)
    case "ftruncate": throw KVMStop.error(.EINVAL)
    case "pread", "pwrite": throw KVMStop.error(.ESPIPE)
    case "fstat": kernel.written["size"] = .word(memory.size)
    case "mmap": try map(given, memory, file, &kernel)
    case "KVM_SET_MEMORY_ATTRIBUTES2":
      try host.convert(
        offset: try given.word("offset"), size: try given.word("size"),
        attributes: try given.word("attributes"), flags: try given.word("flags"), memory,
        &kernel)
    default: throw KVMStop.error(.ENOTTY)
    }
    return 0
  }

  private mutating func map(
    _ given: KVMArguments, _ memory: GuestMemory, _ file: OpenFile,
    _ kernel: inout KernelCall
  ) throws {
    let offset = try given.word("offset")
    let length = try given.word("len")
    let isShared = given.text("flags") == "SHARED"
    let rights = (given.text("prot") ?? "").split(separator: "|")
    let isRange = length != 0 && offset & 0xFFF == 0
    try host.refuse(&kernel, .EINVAL, "range", if: !isRange)
    try host.refuse(&kernel, .EPERM, "exec", if: rights.contains("EXEC"))
    try host.refuse(&kernel, .ENODEV, "not mappable", if: !memory.isMappable)
    try host.refuse(&kernel, .EINVAL, "not shared", if: !isShared)
    guard let name = given.call.binds ?? given.text("new") else { return }
    // More than there is address space for.
    guard length <= 1 << 40 else { throw KVMStop.error(.ENOMEM) }
    let rounded = (length + 0xFFF) & ~0xFFF
    file.references += 1
    process.space.map(
      name, file, offset: offset, length: rounded, isReadable: !rights.contains("NONE"),
      isWritable: rights.contains("WRITE"))
  }

  /// Calls on mappings, and what tests set.
  mutating func control(_ given: KVMArguments, _ kernel: inout KernelCall) throws -> Int {
    switch given.call.name {
    case "standin_fail":
      let name = given.text("leaf") ?? ""
      guard name.hasPrefix("TDH."), let leaf = Leaf(text: String(name.dropFirst(4))) else {
        throw given.wrong("leaf", "a leaf")
      }
      host.port.fail(
        leaf, count: Int(truncatingIfNeeded: try given.word("count")),
        status: try given.word("status"))
    case "standin_script":
      let words = try given.words("exit")
      host.port.setScript([Self.registers(words)])
    case "set_hypercall_ret":
      guard case .vcpu(let vcpu)? = process[given.text("on") ?? ""]?.object else {
        throw KVMStop.error(.EBADF)
      }
      vcpu.hypercallResult = try given.word("ret")
    case "munmap":
      let name = given.text("on") ?? ""
      guard let mapping = process.space.remove(name) else { throw KVMStop.error(.EINVAL) }
      drop(mapping.file, &kernel)
    case "pin": try pin(given)
    default: try touch(given, &kernel)
    }
    return 0
  }

  /// RET RCX RDX R8 R9 R10 R11 R12 R13.
  private static func registers(_ words: [UInt64]) -> Registers {
    var registers = Registers()
    let fields: [WritableKeyPath<Registers, UInt64>] = [
      \.rax, \.rcx, \.rdx, \.r8, \.r9, \.r10, \.r11, \.r12, \.r13,
    ]
    for (field, word) in zip(fields, words) { registers[keyPath: field] = word }
    return registers
  }

  /// Sets how often the page behind a mapping is referred to, as by input and output to it.
  private func pin(_ given: KVMArguments) throws {
    guard let mapping = process.space[given.text("on") ?? ""],
      case .memory(let memory) = mapping.file.object
    else { throw KVMStop.error(.EFAULT) }
    let place = mapping.offset &+ (try given.word("offset")) & 0xFFFF_FFFF
    guard let page = memory.pages[place >> 12] else { throw KVMStop.error(.EFAULT) }
    page.pins = Int(truncatingIfNeeded: try given.word("count") & 0xFF)
  }

  /// Reads or writes one byte of a mapping; a fault is a signal (guest-memfd §1.4, OP-UFAULT).
  private func touch(_ given: KVMArguments, _ kernel: inout KernelCall) throws {
    let isWrite = given.flag("write")
    guard let named = process.space[given.text("on") ?? ""] else {
      throw KVMStop.error(.EFAULT)
    }
    let address = named.base &+ (try given.word("offset"))
    if address >= HostMemory.mappings {
      if !isWrite { kernel.written["value"] = 0 }
      return
    }
    guard let mapping = process.space.mapping(at: address) else {
      kernel.written["signal"] = "SEGV"
      return
    }
    let isPermitted = isWrite ? mapping.isWritable : mapping.isReadable
    guard isPermitted else {
      kernel.written["signal"] = "SEGV"
      return
    }
    guard case .memory(let memory) = mapping.file.object else {
      if !isWrite { kernel.written["value"] = 0 }
      return
    }
    let place = mapping.offset &+ (address - mapping.base)
    guard place < memory.size, memory.sharedPages.contains(place >> 12) else {
      kernel.written["signal"] = "BUS"
      return
    }
    let page = try host.page(place >> 12, memory)
    page.isMapped = true
    if isWrite {
      page.bytes[place & 0xFFF] = UInt8(truncatingIfNeeded: try given.word("value"))
    } else {
      kernel.written["value"] = .integer(Int64(page.bytes[place & 0xFFF] ?? 0))
    }
  }
}
