/// Follows descriptors through a trace: which VM, vCPU or memfd each call is on.
struct CallFollower {
  /// What a call is.
  enum Report {
    /// It is on a VM, or what belongs to one; -1 for /dev/kvm.
    case reading(Int, CallReading)
    /// It is on a descriptor of KVM's that nothing opened.
    case stray(Int)
    /// It is on no descriptor of KVM's.
    case other
    /// It changes which descriptors there are, and nothing else.
    case ignored
  }

  var tables: DescriptorTables
  private var types: [Bool] = []
  private var files: [Int] = []
  var maps = 0
  /// Pairs of VMs of which one has a memslot with the other's file.
  private(set) var sharing: [(Int, Int)] = []

  init(_ calls: [SystemCall], tellsProcesses: Bool) {
    tables = DescriptorTables(calls, tellsProcesses: tellsProcesses)
  }

  /// - Parameter report: told of the call, and of closes that it implies.
  mutating func follow(_ call: SystemCall, _ report: (Report) -> Void) {
    let process = tables.process(of: call.pid)
    switch call.name {
    case "exit": ended(call, report)
    case "execve":
      if call.succeeded { tables.clear(process) }
      report(.other)
    case "clone", "clone3", "fork", "vfork":
      if let child = call.ret, child > 0 { tables.made(child) }
      report(.other)
    case "open", "openat":
      if call.arguments["device"] == .bool(true), let new = call.ret, new >= 0 {
        open(new, .device, -1, "dev", process)
      }
      report(.other)
    case "dup", "dup2", "dup3", "fcntl": duplicate(call, process, report)
    case "close": close(call, process, report)
    case "close_range": closeRange(call, process, report)
    case "munmap": unmap(call, process, report)
    case "signal": touch(call, process, report)
    default: onDescriptor(call, process, report)
    }
  }

  private mutating func open(
    _ descriptor: Int, _ kind: DescriptorKind, _ vm: Int, _ handle: String, _ process: Int
  ) {
    let object = tables.add(
      DescriptorTables.Object(kind: kind, vm: vm, handle: handle, process: process))
    tables.open(descriptor, object, in: process)
  }

  // MARK: Calls on descriptors

  private mutating func onDescriptor(
    _ call: SystemCall, _ process: Int, _ report: (Report) -> Void
  ) {
    guard let descriptor = call.on else { return report(.other) }
    guard let number = tables.object(descriptor, in: process) else {
      return onUnknown(call, descriptor, process, report)
    }
    let object = tables.objects[number]
    var reader = reader(call, object, process)
    switch object.kind {
    case .device where call.name == "KVM_CREATE_VM": createVM(call, process, report)
    case .device: report(.reading(-1, reader.onDevice()))
    case .vm:
      if ["KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD"].contains(call.name) {
        let new = create(call, object.vm, process)
        reader = CallReader(
          call: call, on: object.handle, new: new, byChild: reader.byChild, isTD: reader.isTD)
      }
      if call.name.hasPrefix("KVM_SET_USER_MEMORY_REGION") {
        return report(.reading(object.vm, region(call, reader, object.vm, process)))
      }
      report(.reading(object.vm, reader.onVM()))
    case .vcpu: report(.reading(object.vm, reader.onVCPU()))
    case .gmem:
      if call.name == "mmap" { return map(call, number, process, report) }
      report(.reading(object.vm, reader.onMemory()))
    case .other: report(.other)
    }
  }

  func reader(
    _ call: SystemCall, _ object: DescriptorTables.Object, _ process: Int, new: String = ""
  ) -> CallReader {
    CallReader(
      call: call, on: object.handle, new: new, byChild: owner(object) != process,
      isTD: object.vm >= 0 && types[object.vm])
  }

  /// A VM's calls are its creator's; a file's are anyone's, but a child is told apart.
  private func owner(_ object: DescriptorTables.Object) -> Int { object.process }

  /// Calls that only VMs, vCPUs and memfds have.
  private static let telling: Set<String> = [
    "KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD", "KVM_SET_USER_MEMORY_REGION",
    "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES", "KVM_PRE_FAULT_MEMORY", "KVM_RUN",
    "KVM_SET_CPUID2", "KVM_ENABLE_CAP", "KVM_CREATE_IRQCHIP", "KVM_TDX_CAPABILITIES",
    "KVM_TDX_INIT_VM", "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_FINALIZE_VM",
    "KVM_TDX_GET_CPUID",
  ]
  private static let ofDevice: Set<String> = [
    "KVM_CREATE_VM", "KVM_GET_API_VERSION", "KVM_GET_VCPU_MMAP_SIZE",
  ]

  /// A descriptor that the trace opened nowhere: /dev/kvm shows by its calls, others are strays.
  private mutating func onUnknown(
    _ call: SystemCall, _ descriptor: Int, _ process: Int, _ report: (Report) -> Void
  ) {
    let isOpen = call.errno != "EBADF"
    if isOpen, call.kind == .device || Self.ofDevice.contains(call.name) {
      open(descriptor, .device, -1, "dev", process)
      return onDescriptor(call, process, report)
    }
    let isKVM = call.kind.map { [.vm, .vcpu, .gmem].contains($0) } ?? false
    let isStray = Self.telling.contains(call.name) || isKVM && call.name != "mmap"
    report(isStray && isOpen && call.ret != nil ? .stray(descriptor) : .other)
  }

  // MARK: What calls make

  private mutating func createVM(
    _ call: SystemCall, _ process: Int, _ report: (Report) -> Void
  ) {
    let vm = types.count
    types.append(call.succeeded && call.number("type") == 5)
    files.append(0)
    let handle = "vm\(vm)"
    if let new = call.ret, new >= 0 { open(new, .vm, vm, handle, process) }
    let reader = CallReader(
      call: call, on: "dev", new: handle, byChild: false, isTD: types[vm])
    report(.reading(vm, reader.creation()))
  }

  /// - Returns: the handle; calls that fail share one.
  private mutating func create(_ call: SystemCall, _ vm: Int, _ process: Int) -> String {
    let isFile = call.name == "KVM_CREATE_GUEST_MEMFD"
    if isFile { files[vm] += call.succeeded ? 1 : 0 }
    let number =
      isFile ? call.succeeded ? "\(files[vm])" : "none" : "\(call.number("id") ?? 0)"
    let handle = "\(isFile ? "gmem" : "vcpu")\(vm).\(number)"
    if let new = call.ret, new >= 0 {
      open(new, isFile ? .gmem : .vcpu, vm, handle, process)
    }
    return handle
  }

  private mutating func region(
    _ call: SystemCall, _ reader: CallReader, _ vm: Int, _ process: Int
  ) -> CallReading {
    guard var told = reader.told("slot", "flags", "gpa", "size", "hva") else { return .undecoded }
    told["hva"] = place(call.number("hva") ?? 0, process)
    var hasFile = false
    if let flags = call.number("flags"), flags & 4 != 0 {
      guard let more = reader.told("gmem_fd", "gmem_offset"), let bits = more["gmem_fd"]?.unsigned
      else { return .undecoded }
      told["gmem_offset"] = more["gmem_offset"]
      if let number = tables.object(Int(truncatingIfNeeded: bits), in: process) {
        let object = tables.objects[number]
        told["gmem"] = .text(object.kind == .device ? reader.on : object.handle)
        if object.vm >= 0, object.vm != vm { sharing.append((vm, object.vm)) }
        hasFile = true
      }
    }
    let step = reader.step(call.name, told)
    guard let flags = call.number("flags"), flags & 4 != 0, !hasFile else {
      return .steps([step], missing: [])
    }
    // The descriptor is none, or one of something that no spec has: then it is no memfd.
    let foreign = reader.step(call.name, told.merging(["gmem": .text(reader.on)]) { $1 })
    return .steps([step, foreign], missing: ["what gmem_fd is"])
  }

  /// Memory that the trace does not tell of is taken to be there.
  private func place(_ address: UInt64, _ process: Int) -> TraceValue {
    if let number = tables.mapping(at: address, in: process) {
      let mapping = tables.mappings[number]
      return .text("\(mapping.handle)+0x" + String(address - mapping.start, radix: 16))
    }
    if address == 0 { return .hex(0) }
    return .text("\(BufferPlace.endless)+0x" + String(address, radix: 16))
  }
}
