/// A kernel on s390, its Ultravisor, and the guest that tests have (s390-pv §1.16).
public struct S390Profile: Hashable, Sendable {
  /// What its users call it.
  public let name: String
  /// PREPARE, PERFORM and the MMU notifier are there, and the guest's own tables are walked;
  /// before, DISABLE alone cleans up, by the mappings of the process.
  var isAsync = true
  /// The Ultravisor has Destroy Secure Configuration Fast.
  var hasFastDestroy = true
  /// The module's parameter `async_destroy`.
  var allowsAsync = true
  /// The guest has at most 2 GiB: its top-level table is a segment table.
  var isSegment = false
  /// Guests are runnable as soon as KVM_PV_ENABLE returns; otherwise tests unpack their images.
  var loadsImage = true

  /// Linux 7.3.
  public static let linux7_3 = S390Profile(name: "7.3", loadsImage: false)
  /// The same with guests whose images are loaded for them.
  public static let async = S390Profile(name: "7.3, guests loaded")
  /// The same over an older Ultravisor.
  public static let asyncSlow = S390Profile(name: "7.3, no fast destroy", hasFastDestroy: false)
  /// The same with a small guest.
  public static let asyncSegment = S390Profile(name: "7.3, guest of 2 GiB", isSegment: true)
  /// The same with `async_destroy=0`.
  public static let asyncOff = S390Profile(name: "7.3, async_destroy=0", allowsAsync: false)
  /// Linux 6.1: before PREPARE and PERFORM, with the repairs of 6.0.
  public static let linux6_1 = S390Profile(name: "6.1", isAsync: false, hasFastDestroy: false)
}
