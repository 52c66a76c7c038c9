// Pages of guests (s390-pv §1.4, §1.5).
extension Ultravisor {
  /// Convert To Secure: the first time the page is cleared, later it is decrypted.
  func convertToSecure(_ handle: Int, _ frame: Int, page: Int) throws(Failure) {
    try refuse(.convertToSecure, "configuration", 0x20, if: configurations[handle] == nil)
    let isReady = (configurations[handle]?.stage ?? .fresh) >= .hasParameters
    try refuse(.convertToSecure, "parameters", 0x103, if: !isReady)
    try refuse(.convertToSecure, "owner", 0x102, if: !canImport(handle, frame))
    let version = configurations[handle]?.versions[page]
    let known = version.map { Content.encrypted(handle, page: page, version: $0) }
    let isOwn = frames[frame]?.owner == handle
    try refuse(
      .convertToSecure, "integrity", 0x10B,
      if: known != nil && !isOwn && memory.content[frame] != known)
    try refuseIfAsked(.convertToSecure)
    effect("page", .convertToSecure) {
      frames[frame] = SecureFrame(security: .secure, owner: handle, page: page)
    }
    effect("content", .convertToSecure) {
      configurations[handle]?.versions[page] = version ?? 0
      memory.content[frame] = .plain(handle, page: page, version: version ?? 0)
    }
  }

  /// It is nobody's or the guest's own, or it was shared by another and is taken over.
  private func canImport(_ handle: Int, _ frame: Int) -> Bool {
    guard let found = frames[frame] else { return !isDonated(frame) }
    return found.owner == handle || found.security == .shared && takesOverShared
  }

  /// Convert From Secure: always possible but for donated memory.
  func export(_ frame: Int) throws(Failure) {
    try refuse(.export, "donated", 0x104, if: isDonated(frame))
    guard let found = frames[frame] else { return }
    effect("page", .export) { frames[frame] = nil }
    effect("content", .export) {
      if found.security == .orphaned {
        memory.content[frame] = .undefined
      } else if case .plain(let handle, let page, let version)? = memory.content[frame] {
        memory.content[frame] = .encrypted(handle, page: page, version: version)
      }
    }
  }

  /// Destroy Secure Storage: the owner has no CPUs, or is gone.
  func destroyPage(_ frame: Int) throws(Failure) {
    guard let found = frames[frame] else { return }
    let hasCPUs = configurations[found.owner]?.cpus.isEmpty == false
    try refuse(.destroyPage, "cpus", 0x102, if: hasCPUs)
    try refuseIfAsked(.destroyPage)
    effect("page", .destroyPage) { frames[frame] = nil }
    effect("content", .destroyPage) { memory.content[frame] = .zero }
  }

  // MARK: What guests do

  /// Share, by the guest that has the page.
  func share(_ handle: Int, _ frame: Int) {
    guard frames[frame]?.owner == handle, frames[frame]?.security == .secure else { return }
    frames[frame]?.security = .shared
  }

  /// Unshare, likewise.
  func unshare(_ handle: Int, _ frame: Int) {
    guard frames[frame]?.owner == handle, frames[frame]?.security == .shared else { return }
    frames[frame]?.security = .secure
  }

  /// The guest writes to a page of its own; what it finds there first must be what it left.
  func write(_ handle: Int, _ frame: Int, page: Int) {
    let version = configurations[handle]?.versions[page] ?? 0
    if memory.content[frame] != .plain(handle, page: page, version: version) {
      complaints.append("the guest does not find in page \(page) what it left there")
    }
    configurations[handle]?.versions[page] = version + 1
    memory.content[frame] = .plain(handle, page: page, version: version + 1)
  }
}
