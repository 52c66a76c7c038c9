// The guest's image, resets, and dumps (s390-pv §1.4).
extension Ultravisor {
  /// Set Secure Configuration Parameters.
  ///
  /// - Parameter isForHost: the header was made for this machine.
  func setParameters(_ handle: Int, isForHost: Bool) throws(Failure) {
    try refuse(.setParameters, "stage", 0x102, if: stage(handle) != .fresh)
    try refuse(.setParameters, "host", 0x108, if: !isForHost)
    try refuseIfAsked(.setParameters)
    effect("stage", .setParameters) { configurations[handle]?.stage = .hasParameters }
  }

  /// Unpack Image: imports a page and decrypts it.
  func unpack(_ handle: Int, _ frame: Int, page: Int) throws(Failure) {
    let stage = stage(handle)
    try refuse(
      .unpack, "stage", 0x102, if: stage != .hasParameters && stage != .unpacked)
    try refuse(.unpack, "owner", 0x106, if: frames[frame].map { $0.owner != handle } ?? false)
    try refuseIfAsked(.unpack)
    effect("page", .unpack) {
      frames[frame] = SecureFrame(security: .secure, owner: handle, page: page)
      configurations[handle]?.versions[page] = 0
      memory.content[frame] = .plain(handle, page: page, version: 0)
    }
    effect("stage", .unpack) { configurations[handle]?.stage = .unpacked }
  }

  /// Verify Image: the guest can run.
  func verify(_ handle: Int) throws(Failure) {
    try refuse(.verify, "stage", 0x102, if: stage(handle) != .unpacked)
    try refuseIfAsked(.verify)
    effect("stage", .verify) { configurations[handle]?.stage = .runnable }
  }

  /// Prepare Reset: all must be unshared.
  func prepareReset(_ handle: Int) throws(Failure) {
    expect(.prepareReset, handle)
    let isShared = frames.values.contains { $0.owner == handle && $0.security != .secure }
    try refuse(.prepareReset, "shared", 0x102, if: isShared)
    try refuseIfAsked(.prepareReset)
  }

  /// Unshare All.
  func unshareAll(_ handle: Int) throws(Failure) {
    expect(.unshareAll, handle)
    try refuseIfAsked(.unshareAll)
    effect("pages", .unshareAll) {
      for (frame, page) in frames where page.owner == handle && page.security == .shared {
        frames[frame]?.security = .secure
      }
    }
  }

  func dumpInit(_ handle: Int) throws(Failure) {
    try refuse(.dumpInit, "stage", 0x102, if: stage(handle) != .runnable)
    try refuseIfAsked(.dumpInit)
    effect("dump", .dumpInit) { configurations[handle]?.isDumping = true }
  }

  /// Dump of a configuration's or a CPU's state, or the end of it.
  func dump(_ call: UltravisorCall, _ handle: Int) throws(Failure) {
    expect(call, handle)
    try refuse(call, "dump", 0x102, if: configurations[handle]?.isDumping != true)
    try refuseIfAsked(call)
    guard call == .dumpComplete else { return }
    effect("dump", call) { configurations[handle]?.isDumping = false }
  }

  private func stage(_ handle: Int) -> Stage { configurations[handle]?.stage ?? .fresh }

  /// Nobody has handle 0: KVM must not ask (s390-pv SI-13).
  func expect(_ call: UltravisorCall, _ handle: Int) {
    if handle == 0 { complaints.append("\(call.place) with handle 0") }
  }
}
