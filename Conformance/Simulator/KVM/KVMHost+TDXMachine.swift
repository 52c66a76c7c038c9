/// `struct kvm_tdx_cmd` with what its data points at, as far as the kernel looks.
struct TDXCommand {
  var id: UInt64
  var flags: UInt64 = 0
  var hardwareError: UInt64 = 0
  /// The pointer is NULL.
  var isNull = false
  var entries = 0
  var attributes: UInt64 = 0
  var xfam: UInt64 = 0
  /// GPA width in the given CPUID; nil without that leaf.
  var width: Int?
  var data: UInt64 = 0
  var gpa: UInt64 = 0
  var count: UInt64 = 0
  var source: UInt64 = 0

  static let capabilities: UInt64 = 0
  static let initVM: UInt64 = 1
  static let initVCPU: UInt64 = 2
  static let initMemory: UInt64 = 3
  static let finalize: UInt64 = 4
  static let getCPUID: UInt64 = 5
}

// KVM_MEMORY_ENCRYPT_OP on a VM (kvm-tdx §2.2).
extension KVMHost {
  /// What the module offers.
  static let configurableLeaves = 6
  static let supportedAttributes: UInt64 = 1 << 28
  static let supportedXFAM: UInt64 = 0x207

  func commandOnMachine(
    _ command: TDXCommand, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkAlive(machine, &call)
    try refuse(&call, .ENOTTY, "not a td", if: machine.type != .tdx)
    try refuse(&call, .EINVAL, "hw_error", if: command.hardwareError != 0)
    if command.id == TDXCommand.capabilities { return try showCapabilities(command, &call) }
    try lockAll(machine, &call)
    switch command.id {
    case TDXCommand.initVM: try initMachine(command, machine, &call)
    case TDXCommand.finalize: try finalize(machine, &call)
    default: throw .error(.EINVAL)
    }
  }

  private func showCapabilities(
    _ command: TDXCommand, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "flags", if: command.flags != 0)
    try refuse(&call, .EFAULT, "data", if: command.isNull)
    let most = Self.configurableLeaves
    try refuse(&call, .E2BIG, "nent", if: command.entries < most)
    call.written["nent"] = .integer(Int64(most))
    call.written["attrs"] = .word(Self.supportedAttributes)
    call.written["xfam"] = .word(Self.supportedXFAM)
  }

  /// kvm->lock, every vCPU's mutex and slots_lock (kvm-tdx §2.2).
  func lockAll(_ machine: VirtualMachine, _ call: inout KernelCall) throws(KVMStop) {
    try take(machine.lock, &call)
    for vcpu in machine.vcpus { try take(vcpu.mutex, &call) }
    try take(machine.slotsLock, &call)
  }

  private func initMachine(
    _ command: TDXCommand, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "state", if: machine.td.state != .uninitialized)
    try refuse(&call, .EINVAL, "flags", if: command.flags != 0)
    try refuse(&call, .EFAULT, "data", if: command.isNull)
    try refuse(&call, .EBUSY, "vcpus", if: !machine.vcpus.isEmpty)
    let attributes = command.attributes & ~Self.supportedAttributes
    try refuse(&call, .EINVAL, "attributes", if: attributes != 0)
    // Recorded: 0 is refused, and 0x2 (SSE) alone is taken.
    try refuse(
      &call, .EINVAL, "xfam",
      if: command.xfam & ~Self.supportedXFAM != 0 || command.xfam & 0x2 == 0)
    try refuse(
      &call, .EINVAL, "gpaw", if: command.width != 48 && command.width != 52)
    try refuse(&call, .ENOSPC, "hkid", if: freeKeys.isEmpty)
    guard let hkid = freeKeys.first else { return }
    effect("hkid", call) {
      freeKeys = Array(freeKeys.dropFirst())
      machine.td.hkid = hkid
    }
    try build(command, machine, &call)
    machine.td.rootLevel = command.width == 52 ? 4 : 3
    machine.td.sharedBit = 1 << UInt64((command.width ?? 48) - 1 - 12)
    effect("state", call) { machine.td.state = .initialized }
  }

  /// The SEAMCALLs that build a TD; what was done is taken back when one fails.
  private func build(
    _ command: TDXCommand, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    guard let tdr = frames.take() else { throw .error(.ENOMEM) }
    try take(keyLock, &call)
    var create = Registers(.MNG_CREATE, rcx: tdr, rdx: UInt64(machine.td.hkid))
    let status = module.call(&create, lp: call.lp)
    drop(keyLock, &call)
    if status.isError {
      frames.give(tdr)
      returnKey(machine, call)
      if status.code == ModulePort.noEntropy { throw .error(.EAGAIN) }
      return try stopIfBad(status, "TDH.MNG.CREATE", machine)
    }
    machine.td.tdr = tdr
    do throws(KVMStop) {
      try configureKeys(tdr, machine, call)
      try addControlPages(tdr, machine, call)
      try initDomain(command, tdr, machine, &call)
    } catch {
      releaseKey(machine, &call)
      reclaimControlPages(machine, call)
      throw error
    }
  }

  private func configureKeys(
    _ tdr: UInt64, _ machine: VirtualMachine, _ call: KernelCall
  ) throws(KVMStop) {
    for lp in firstOfPackages {
      var registers = Registers(.MNG_KEY_CONFIG, rcx: tdr)
      try stopIfBad(
        module.call(&registers, lp: lp), "TDH.MNG.KEY.CONFIG", machine)
    }
  }

  /// The first LP of each package.
  var firstOfPackages: [Int] {
    packages.indices.filter { packages.firstIndex(of: packages[$0]) == $0 }
  }

  /// How many pages the module wants: the stand-in four and five.
  private var controlPages: Int { module.module == nil ? 4 : 6 }
  var extraPages: Int { 5 }

  private func addControlPages(
    _ tdr: UInt64, _ machine: VirtualMachine, _ call: KernelCall
  ) throws(KVMStop) {
    for _ in 0..<controlPages {
      guard let page = frames.take() else { throw .error(.ENOMEM) }
      var registers = Registers(.MNG_ADDCX, rcx: page, rdx: tdr)
      let status = module.call(&registers, lp: call.lp)
      if status.isError {
        frames.give(page)
        if status.code == ModulePort.noEntropy { throw .error(.EAGAIN) }
        try stopIfBad(status, "TDH.MNG.ADDCX", machine)
      }
      effect("tdcs", call) { machine.td.controlPages.append(page) }
    }
  }

  private static let parameters: UInt64 = 16 << 20

  private func initDomain(
    _ command: TDXCommand, _ tdr: UInt64, _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    var given = DomainParameters()
    given.attributes = command.attributes
    given.xfam = command.xfam
    given.maxVcpus = machine.mostVCPUs
    given.walkLength = command.width == 52 ? 4 : 3
    given.isWide = command.width == 52
    let address = Self.parameters + tdr >> 2 & 0xFF_FC00
    module.module?.parameters[address] = given
    var registers = Registers(.MNG_INIT, rcx: tdr, rdx: address)
    let status = module.call(&registers, lp: call.lp)
    if status.isError {
      if status.code >> 32 == UInt64(StatusName.OPERAND_INVALID.rawValue) {
        call.written["hw_error"] = .word(status.code)
        throw .error(.EINVAL)
      }
      try stopIfBad(status, "TDH.MNG.INIT", machine)
    }
    for _ in 0..<2 {
      var read = Registers(.MNG_RD, rcx: tdr)
      _ = module.call(&read, lp: call.lp)
    }
  }

  private func finalize(
    _ machine: VirtualMachine, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "hkid", if: !machine.td.isAssigned)
    try refuse(&call, .EINVAL, "state", if: machine.td.state == .runnable)
    guard let tdr = machine.td.tdr else { throw .error(.EINVAL) }
    var registers = Registers(.MR_FINALIZE, rcx: tdr)
    let status = module.call(&registers, lp: call.lp)
    if status.isError {
      call.written["hw_error"] = .word(status.code)
      if status.isBusy { throw .error(.EBUSY) }
      try stopIfBad(status, "TDH.MR.FINALIZE", machine)
    }
    effect("state", call) { machine.td.state = .runnable }
    effect("pre_fault_allowed", call) { machine.td.allowsPrefault = true }
  }
}
