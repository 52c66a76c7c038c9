/// What a TDX module finds: processors, key ids, memory.
public struct ModulePlatform: Hashable, Sendable {
  /// For each LP its package.
  public var packageOfLP: [Int]
  /// The private key ids.
  public var hkids: ClosedRange<Int>
  /// The module's own key id, one of `hkids`.
  public var moduleHKID: Int
  /// TD memory regions: base and size, multiples of 1 GB.
  public var regions: [Region]
  /// The number of steps in which caches are written back.
  public var cacheSubBlocks: Int
  /// The first of the bits of a physical address that hold a key id.
  public var hkidShift: UInt64
  /// SYS.CONFIG and its kin were called before.
  public var isReady: Bool

  /// A region of memory.
  public struct Region: Hashable, Sendable {
    public var base: UInt64
    public var size: UInt64

    public init(base: UInt64, size: UInt64) {
      self.base = base
      self.size = size
    }
  }

  public init(
    packageOfLP: [Int] = [0, 0, 1, 1], hkids: ClosedRange<Int> = 32...63, moduleHKID: Int = 32,
    regions: [Region] = [Region(base: 1 << 30, size: 1 << 30)], cacheSubBlocks: Int = 4,
    isReady: Bool = true
  ) {
    self.packageOfLP = packageOfLP
    self.hkids = hkids
    self.moduleHKID = moduleHKID
    self.regions = regions
    self.cacheSubBlocks = cacheSubBlocks
    self.hkidShift = 46
    self.isReady = isReady
  }

  /// The number of packages.
  public var packages: Int { (packageOfLP.max() ?? 0) + 1 }
  /// A bit for each package.
  public var allPackages: UInt64 { 1 << UInt64(packages) - 1 }
}

/// TD_PARAMS as the host writes it for MNG.INIT: the fields that the simulator knows.
public struct DomainParameters: Hashable, Sendable {
  public var attributes: UInt64 = 0
  public var xfam: UInt64 = 3
  public var maxVcpus: Int = 2
  /// Page-walk length code: 3 or 4.
  public var walkLength: Int = 3
  /// GPA width 52 instead of 48; needs walk length 4.
  public var isWide = false
  /// In units of 25 MHz.
  public var tscFrequency: Int = 100
  public var nestedVMs: Int = 0
  /// Reserved bits of CONFIG_FLAGS.
  public var reservedFlags = false

  public init() {}
}

/// What can go wrong outside the module during one call.
public struct Disturbance: Hashable, Sendable {
  /// What PCONFIG answers.
  public enum KeyProgramming: Hashable, Sendable {
    case works
    case busy
    case fails
  }

  public var keyProgramming = KeyProgramming.works
  /// So many looks for a pending interrupt find none, all later ones do; nil: none ever.
  public var quietLooks: Int?
  /// IA32_TSC_ADJUST differs from its value at SYS.INIT.
  public var tscAdjustChanged = false

  public init() {}
}
