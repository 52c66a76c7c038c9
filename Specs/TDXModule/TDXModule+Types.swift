import SpecLanguage

extension TDXModule {
  /// A 2 MB block of physical memory.
  enum Block: Sort {}
  /// An S-EPT entry of a TD: a level and a place in GPA space.
  enum Entry: Sort {}

  /// OP_STATE without migration (tdx-module §2.2).
  enum OpState: EnumDomain { case UNINITIALIZED, INITIALIZED, RUNNABLE }
  /// Of an epoch.
  enum Parity: EnumDomain { case even, odd }
  /// S-EPT entry states without migration (tdx-module §2.6).
  enum SEPTState: EnumDomain {
    case FREE, NL_MAPPED, NL_BLOCKED, MAPPED, BLOCKED, PENDING, PENDING_BLOCKED

    /// The index in the module's table.
    var index: Int {
      switch self {
      case .FREE: 0
      case .NL_MAPPED: 2
      case .NL_BLOCKED: 3
      case .MAPPED: 4
      case .BLOCKED: 5
      case .PENDING: 10
      case .PENDING_BLOCKED: 11
      }
    }
  }
  /// tdx-module §2.7.
  enum VCPUState: EnumDomain { case VCPU_UNINITIALIZED, VCPU_READY, VCPU_ACTIVE, VCPU_DISABLED }
  /// PAMT page types (tdx-module §2.5).
  enum PageType: EnumDomain { case NDA, TDR, TDCX, TDVPR, REG, EPT }

  /// A physical address that names no page of the scope.
  enum AddressFault: EnumDomain {
    /// Not aligned, too large, or with HKID bits.
    case malformed
    /// All ones.
    case null
    /// In no TDMR.
    case outside
  }
  typealias PageOperand = Operand<AddressFault, Page>

  /// A GPA and level, in one register, that name no entry.
  enum EntryFault: EnumDomain {
    /// The GPA is not aligned for the level.
    case misaligned
    /// The GPA has the shared bit.
    case shared
    /// No S-EPT has that level.
    case tooHigh
  }
  typealias EntryOperand = Operand<EntryFault, Entry>

  enum HKIDFault: EnumDomain {
    /// Outside the private range.
    case outside
    /// The module's own.
    case module
  }
  typealias HKIDOperand = Operand<HKIDFault, HKID>

  /// Parameters as tables know them.
  enum Sizes {
    static let loose = Parameter("loose", 0...64, default: 0)
    static let columns = Parameter("columns", 1...8, default: 1)
    static let blocks = Parameter("blocks", 1...3, default: 1)
    static let span = Parameter("span", 1...512, default: 1)
    static let regions = Parameter("regions", 1...4, default: 1)
    static let levels = Parameter("levels", 2...4, default: 2)
    static let packages = Parameter("packages", 1...2, default: 1)
    static let lps = Parameter("lps", 1...4, default: 1)
  }
}

/// Where an entry is: level 0 has `columns` entries for each region, level 1 one for each region,
/// level 2 one for every two regions, level 3 one.
struct EntryPlace {
  let level: Int
  /// Number within the level.
  let number: Int
  private let columns: Int
  private let counts: [Int]

  init(entry: Int, _ sizes: ConstantSizes) {
    columns = sizes[TDXModule.Sizes.columns]
    let regions = sizes[TDXModule.Sizes.regions]
    let all = [regions * columns, regions, (regions + 1) / 2, 1]
    counts = Array(all.prefix(sizes[TDXModule.Sizes.levels]))
    var rest = entry
    var found = 0
    while found < counts.count - 1, rest >= counts[found] {
      rest -= counts[found]
      found += 1
    }
    level = found
    number = rest
  }

  private func entry(_ level: Int, _ number: Int) -> Int {
    counts.prefix(level).reduce(number, +)
  }

  /// The number of the entry in the page that has it, where that matters.
  var column: Int { level == 0 ? number % columns : 0 }

  /// How many entries of a level share an entry of the next.
  private func fan(_ level: Int) -> Int { level == 0 ? columns : level == 1 ? 2 : counts[level] }

  /// The entry above; -1 at the root.
  var parent: Int {
    level + 1 < counts.count ? entry(level + 1, number / fan(level)) : -1
  }

  var firstBelow: Int {
    level == 0 ? entry(0, number) : entry(level - 1, number * fan(level - 1))
  }

  /// The entry itself or the one above it at that level, the root's when there is no such level.
  func above(_ wanted: Int) -> Int {
    var (level, number) = (level, number)
    while level < min(wanted, counts.count - 1) {
      number /= fan(level)
      level += 1
    }
    return entry(level, number)
  }
}
