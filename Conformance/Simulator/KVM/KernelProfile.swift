/// A kernel as far as its answers differ from those of others (guest-memfd §1.8).
public struct KernelProfile: Hashable, Sendable {
  public var name: String
  /// VM types that can be created: 0 plain, 1 software-protected, 5 TDX.
  public var types: Set<Int>
  /// Attributes of guest frames are compiled in.
  public var hasAttributes: Bool
  /// VMs without private memory have a second address space, for SMM.
  public var hasSMM: Bool
  /// Overlapping bindings of a memfd answer EEXIST; before 7.2 EINVAL.
  public var overlapIsExist: Bool
  /// Offset and size of a binding are added as signed numbers, as before 7.2.
  public var sumIsSigned: Bool
  public var hasPrefault: Bool
  /// The guest's frequency can be set.
  public var canScaleTSC: Bool
  /// The first guest-physical address that no slot can have.
  public var highestGPA: UInt64
  /// Private and shared pages of one memfd are converted in place, as queued for 7.4.
  public var convertsInPlace: Bool

  /// A size of INIT_MEM_REGION that is lost when shifted is refused, as queued for 7.4.
  public var checksRegionSize = false

  /// Linux 6.18 with plain VMs.
  public static let linux6_18 = KernelProfile(
    name: "6.18", types: [0], hasAttributes: false, hasSMM: false, overlapIsExist: false,
    sumIsSigned: true, hasPrefault: false, canScaleTSC: false, highestGPA: 1 << 52,
    convertsInPlace: false)
  /// Linux 7.3 with software-protected VMs.
  public static let linux7_3 = KernelProfile(
    name: "7.3", types: [0, 1], hasAttributes: true, hasSMM: true, overlapIsExist: true,
    sumIsSigned: false, hasPrefault: true, canScaleTSC: false, highestGPA: 1 << 40,
    convertsInPlace: false)
  /// The queue for 7.4: with TDX, and conversion in place.
  public static let linux7_4: KernelProfile = {
    var profile = linux7_3TDX
    profile.name = "7.4 queue"
    profile.convertsInPlace = true
    profile.checksRegionSize = true
    return profile
  }()
  /// Linux 7.3 with TDX.
  public static let linux7_3TDX: KernelProfile = {
    var profile = linux7_3
    profile.types = [0, 1, 5]
    profile.canScaleTSC = true
    profile.highestGPA = 1 << 52
    return profile
  }()
}

/// The kind of a VM.
public enum MachineType: Int, Hashable, Sendable {
  case plain = 0
  case softwareProtected = 1
  case tdx = 5

  /// Guest frames can be private.
  var hasPrivateMemory: Bool { self != .plain }
}
