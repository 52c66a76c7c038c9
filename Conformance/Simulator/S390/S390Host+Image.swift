// The guest's image, resets, INFO and dumps (s390-pv §1.11).
extension S390Host {
  /// The header of SET_SEC_PARMS.
  enum Header: String {
    case fine
    case unreadable
    case tooLong
    case empty
    /// It can be read, and what it points to cannot.
    case dangling
    /// It was made for another machine.
    case forOther
  }

  func setParameters(
    _ given: PVArgument, _ header: Header, _ call: inout KernelCall
  ) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try checkProtected(&call)
      try refuse(&call, .EFAULT, "header argument", if: header == .unreadable)
      try refuse(&call, .EINVAL, "length", if: header == .tooLong)
      let isStarved = starved.remove(.buffer) != nil
      try refuse(&call, .ENOMEM, "buffer memory", if: isStarved || header == .empty)
      try refuse(&call, .EFAULT, "header", if: header == .dangling)
      try ultravisor(&call) { (handle) throws(Ultravisor.Failure) in
        try uv.setParameters(handle, isForHost: header != .forOther)
      }
    }
  }

  /// What UNPACK gets: one page, or something that it refuses.
  enum UnpackData: String {
    case fine
    case unreadable
    case unaligned
    case empty
  }

  func unpack(
    _ given: PVArgument, _ data: UnpackData, _ page: GuestFrame, _ call: inout KernelCall
  ) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .EINVAL, "not protected", if: !machine.isProtected || mm.count == 0)
      try refuse(&call, .EFAULT, "data", if: data == .unreadable)
      try refuse(&call, .EINVAL, "range", if: data == .unaligned || data == .empty)
      for _ in 0..<100 {
        switch try importPage(page, of: machine.handle ?? 0, unpacks: true, &call) {
        case .done: return
        case .again: baton.giveWay("EAGAIN")
        case .failed: return try refuse(&call, .EINVAL, "unpack", if: true)
        }
      }
      throw .stuck
    }
  }

  /// VERIFY, PREP_RESET and UNSHARE_ALL: the Ultravisor decides.
  func pass(
    _ given: PVArgument, _ call: inout KernelCall,
    _ body: (Int) throws(Ultravisor.Failure) -> Void
  ) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try checkProtected(&call)
      try ultravisor(&call, body)
    }
  }

  private func checkProtected(_ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EINVAL, "not protected", if: !machine.isProtected)
  }

  private func ultravisor(
    _ call: inout KernelCall, _ body: (Int) throws(Ultravisor.Failure) -> Void
  ) throws(KVMStop) {
    let handle = machine.handle ?? 0
    let isDone: Void? = ask(&call) { () throws(Ultravisor.Failure) in try body(handle) }
    try refuse(&call, .EINVAL, "ultravisor", if: isDone == nil)
  }

  /// What INFO gets.
  enum InfoRequest: String {
    case fine
    case unreadable
    /// There is no room for the header.
    case tooShort
    case unknown
    /// There is room for the header, and not for the answer.
    case noRoom
    case readOnly
  }

  func info(
    _ given: PVArgument, _ request: InfoRequest, _ call: inout KernelCall
  ) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .EFAULT, "info", if: request == .unreadable)
      try refuse(&call, .EINVAL, "info length", if: request == .tooShort)
      try refuse(&call, .EINVAL, "info id", if: request == .unknown || request == .noRoom)
      try refuse(&call, .EFAULT, "info copy out", if: request == .readOnly)
    }
  }

  /// The sub-commands of DUMP, and what can be wrong with what they get.
  enum DumpRequest: String {
    case start
    case state
    case unalignedState
    case emptyState
    case complete
    case smallComplete
    case unknown
    case unreadable
  }

  func dump(
    _ given: PVArgument, _ request: DumpRequest, _ call: inout KernelCall
  ) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try checkProtected(&call)
      try refuse(&call, .EFAULT, "dump argument", if: request == .unreadable)
      switch request {
      case .start: try startDump(&call)
      case .state, .unalignedState, .emptyState: try dumpState(request, &call)
      case .complete, .smallComplete: try completeDump(request, &call)
      case .unknown, .unreadable: try refuse(&call, .ENOTTY, "dump command", if: true)
      }
    }
  }

  private func startDump(_ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EINVAL, "dumping", if: machine.isDumping)
    try ultravisor(&call) { (handle) throws(Ultravisor.Failure) in try uv.dumpInit(handle) }
    effect("dump", call) { machine.isDumping = true }
  }

  private func dumpState(
    _ request: DumpRequest, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "not dumping", if: !machine.isDumping)
    try refuse(&call, .EINVAL, "dump address", if: request == .unalignedState)
    try refuse(&call, .EINVAL, "dump length", if: request == .emptyState)
    try refuse(&call, .ENOMEM, "buffer memory", if: starved.remove(.buffer) != nil)
    try ultravisor(&call) { (handle) throws(Ultravisor.Failure) in
      try uv.dump(.dumpConfig, handle)
    }
  }

  private func completeDump(
    _ request: DumpRequest, _ call: inout KernelCall
  ) throws(KVMStop) {
    try refuse(&call, .EINVAL, "not dumping", if: !machine.isDumping)
    try refuse(&call, .EINVAL, "dump buffer", if: request == .smallComplete)
    try refuse(&call, .ENOMEM, "buffer memory", if: starved.remove(.buffer) != nil)
    try ultravisor(&call) { (handle) throws(Ultravisor.Failure) in
      try uv.dump(.dumpComplete, handle)
    }
    effect("dump", call) { machine.isDumping = false }
  }

  /// KVM_S390_PV_CPU_COMMAND: a dump of the vCPU.
  func dumpCPU(
    _ vcpu: ProtectedCPU, isForeign: Bool, isKnown: Bool, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try take(vcpu.mutex, &call)
    try refuse(&call, .EINVAL, "cpu command", if: !isKnown)
    try refuse(&call, .EINVAL, "not dumping", if: !machine.isDumping)
    try ultravisor(&call) { (handle) throws(Ultravisor.Failure) in try uv.dump(.dumpCPU, handle) }
  }

  /// An unknown sub-command is refused last of all.
  func unknownCommand(_ given: PVArgument, _ call: inout KernelCall) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .ENOTTY, "command", if: true)
    }
  }

  // MARK: Other ioctls that look at the protection (s390-pv §1.14)

  func setRegister(
    _ vcpu: ProtectedCPU, isForeign: Bool, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try take(vcpu.mutex, &call)
    try refuse(&call, .EINVAL, "protected", if: vcpu.handle != nil)
  }

  func operateOnMemory(isForeign: Bool, _ call: inout KernelCall) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try refuse(&call, .EINVAL, "protected", if: machine.isProtected)
  }

  func setClock(isForeign: Bool, _ call: inout KernelCall) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try refuse(&call, .EOPNOTSUPP, "protected", if: machine.isProtected)
  }

  /// KVM_SET_MP_STATE to "load", which is for protected vCPUs.
  func loadState(
    _ vcpu: ProtectedCPU, isForeign: Bool, _ call: inout KernelCall
  ) throws(KVMStop) {
    try checkOwner(isForeign: isForeign, &call)
    try take(vcpu.mutex, &call)
    try refuse(&call, .ENXIO, "not protected", if: vcpu.handle == nil)
  }
}
