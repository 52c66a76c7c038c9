// KVM_RUN: the guest touches a page (s390-pv §1.6, §1.7).
extension S390Host {
  /// How KVM_RUN ended.
  enum RunEnd {
    case touched
    /// The thread gets a signal.
    case segfault
    /// The guest cannot be entered: SIE's validity intercept.
    case invalid
  }

  private enum Fault390 {
    case none
    /// 0x3d or 0x3f.
    case foreign
    /// 0x3e.
    case open
  }

  /// How often a page is tried again before the thread is taken for stuck.
  private static let mostTries = 200

  func run(
    _ vcpu: ProtectedCPU, _ page: GuestFrame, isForeign: Bool, _ call: inout KernelCall
  ) throws(KVMStop) -> RunEnd {
    try checkOwner(isForeign: isForeign, &call)
    try refuse(&call, .EINVAL, "dump", if: machine.isDumping)
    try take(vcpu.mutex, &call)
    for _ in 0..<Self.mostTries {
      if let handle = configuration(of: vcpu), uv.configurations[handle]?.stage != .runnable {
        return .invalid
      }
      switch touch(vcpu, page, call) {
      case .none: return .touched
      case .foreign: try wipe(page, &call)
      case .open:
        switch try importPage(page, of: configuration(of: vcpu) ?? 0, &call) {
        case .done: break
        case .again: baton.giveWay("EAGAIN")
        case .failed: return .segfault
        }
      }
    }
    throw .stuck
  }

  private func configuration(of vcpu: ProtectedCPU) -> Int? {
    vcpu.handle.flatMap { uv.cpus[$0]?.configuration }
  }

  /// What SIE does when the guest writes to the page.
  private func touch(
    _ vcpu: ProtectedCPU, _ page: GuestFrame, _ call: KernelCall
  ) -> Fault390 {
    baton.point(.effect, "\(call.name) SIE")
    let found = page.frame.flatMap { uv.frames[$0] }
    let isHidden = found?.security == .secure || found?.security == .orphaned
    if let handle = configuration(of: vcpu) {
      guard page.hasEntry, let frame = page.frame else { return .open }
      if let found, found.owner == handle, found.security != .orphaned {
        uv.write(handle, frame, page: page.number)
        return .none
      }
      return isHidden ? .foreign : .open
    }
    if isHidden { return .foreign }
    fill(page, call)
    if let frame = page.frame, found == nil { memory.content[frame] = .host }
    return .none
  }

  /// Whatever is behind the address is there then, and in the guest's tables.
  private func fill(_ page: GuestFrame, _ call: KernelCall) {
    if page.frame == nil {
      page.frame = memory.allocate("a page of the guest", page.swapped ?? .zero)
      page.swapped = nil
    }
    effect("entry", call) { page.hasEntry = true }
  }

  /// A page of somebody else, most likely of the guest before: content is lost, as a reboot does.
  private func wipe(_ page: GuestFrame, _ call: inout KernelCall) throws(KVMStop) {
    try take(mm.lock, .shared, &call)
    _ = destroyPage(page, call)
    drop(mm.lock, &call)
  }

  enum ImportEnd {
    case done
    case again
    case failed
  }

  /// Makes a page secure, by 0x3e or UNPACK (s390-pv §1.7).
  func importPage(
    _ page: GuestFrame, of handle: Int, unpacks: Bool = false, _ call: inout KernelCall
  ) throws(KVMStop) -> ImportEnd {
    let needsExport = !uv.takesOverShared && mm.count > 1
    try take(machine.importLock, &call)
    try take(machine.mmuLock, .shared, &call)
    fill(page, call)
    guard page.lock.isAvailable(.exclusive), let frame = page.frame else {
      drop(machine.mmuLock, &call)
      drop(machine.importLock, &call)
      return .again
    }
    try take(page.lock, &call)
    if needsExport {
      effect("export first", call) {
        _ = quietly { () throws(Ultravisor.Failure) in try uv.export(frame) }
      }
    }
    effect("PG_arch_1", call) { page.isFlagged = true }
    let isDone: Void? = ask(&call) { () throws(Ultravisor.Failure) in
      if unpacks {
        try uv.unpack(handle, frame, page: page.number)
      } else {
        try uv.convertToSecure(handle, frame, page: page.number)
      }
    }
    drop(page.lock, &call)
    drop(machine.mmuLock, &call)
    drop(machine.importLock, &call)
    return isDone == nil ? .failed : .done
  }
}
