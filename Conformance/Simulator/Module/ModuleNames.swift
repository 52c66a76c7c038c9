/// The platform that names stand for, and the addresses behind them.
///
/// 2 packages with 2 LPs each; a region of 1 GB with 48 loose pages in one 2 MB block (`page:0` …
/// `page:47`) and two further blocks (`block:0`, `block:1`, `block:0+5`); three free key ids
/// (`hkid:0` … `hkid:2`) and the module's own.
struct ModuleNames {
  static let platform = ModulePlatform(
    hkids: 32...35, moduleHKID: 32,
    regions: [ModulePlatform.Region(base: 1 << 30, size: 1 << 30)])
  static let pages = 48
  static let blocks = 2
  static let loose: UInt64 = 1 << 30 + 4 << 20
  static let firstBlock: UInt64 = 1 << 30 + 8 << 20
  /// A page that the host shares with the module.
  static let source: UInt64 = 16 << 20
  static let firstParameters: UInt64 = 17 << 20
  static let firstKey = 33
  static let keys = 3

  /// `gpa:0` … `gpa:6`.
  static let gpas: [UInt64] = {
    let base: UInt64 = 1 << 39
    let large: UInt64 = base + 2 << 20
    return [base, base + 4096, base + 8192, base + 12288, large, large + 4096, base + 1 << 30]
  }()

  /// What names of TDs and vCPUs are bound to.
  private var bound: [String: UInt64] = [:]
  private var names: [UInt64: String] = [:]

  subscript(_ name: String) -> UInt64? {
    get { bound[name] }
    set {
      if let old = bound[name] { names[old] = nil }
      bound[name] = newValue
      if let newValue { names[newValue] = name }
    }
  }

  /// Takes over what another copy has bound, or no longer binds, since both were one.
  mutating func adopt(_ other: ModuleNames, since before: ModuleNames) {
    for name in Set(other.bound.keys).union(before.bound.keys)
    where other.bound[name] != before.bound[name] {
      self[name] = other.bound[name]
    }
  }

  /// The TD or vCPU bound to a page.
  func name(of address: UInt64) -> String? { names[address] }

  /// The address that an operand stands for; nil for no operand.
  func address(_ text: String) -> UInt64? {
    if let address = bound[text] { return address }
    switch text {
    case "pa:unaligned": return Self.loose + 8
    case "pa:outside": return 5 << 30
    case "pa:hkid_bits": return Self.loose | 1 << Self.platform.hkidShift
    case "pa:null": return .max
    default: return Self.page(text)
    }
  }

  /// `page:3`, `block:0`, `block:1+5`.
  private static func page(_ text: String) -> UInt64? {
    let parts = text.split(separator: ":")
    guard parts.count == 2 else { return nil }
    if parts[0] == "page", let number = UInt64(parts[1]), number < pages {
      return loose + number << 12
    }
    let numbers = parts[1].split(separator: "+").map { UInt64($0) }
    guard parts[0] == "block", let first = numbers.first, let block = first, block < blocks,
      numbers.count <= 2
    else { return nil }
    guard let offset = numbers.count == 2 ? numbers[1] : 0, offset < 512 else { return nil }
    return firstBlock + block << 21 + offset << 12
  }

  /// The name of a page, or of a block of 2 MB.
  static func text(_ address: UInt64, size: Int) -> String {
    let number = address &- loose
    if number < UInt64(pages) << 12 { return "page:\(number >> 12)" }
    let inBlocks = address &- firstBlock
    let block = inBlocks >> 21
    guard block < blocks else { return "0x" + String(address, radix: 16) }
    return size == 1 ? "block:\(block)" : "block:\(block)+\(inBlocks >> 12 & 511)"
  }

  /// A guest-physical address.
  static func gpa(_ text: String) -> UInt64? {
    if text == "gpa:shared" { return gpas[0] | 1 << 47 }
    guard text.hasPrefix("gpa:"), let number = Int(text.dropFirst(4)),
      gpas.indices.contains(number)
    else { return nil }
    return gpas[number]
  }

  static func hkid(_ text: String) -> Int? {
    switch text {
    case "hkid:module": return platform.moduleHKID
    case "hkid:none": return platform.hkids.upperBound + 1
    default:
      guard text.hasPrefix("hkid:"), let number = Int(text.dropFirst(5)),
        (0..<keys).contains(number)
      else { return nil }
      return firstKey + number
    }
  }

  /// The TD_PARAMS that MNG.INIT can be given.
  static let parameters: [(name: String, value: DomainParameters)] = {
    var list: [(name: String, value: DomainParameters)] = [("ok", DomainParameters())]
    func add(_ name: String, _ change: (inout DomainParameters) -> Void) {
      var given = DomainParameters()
      change(&given)
      list.append((name, given))
    }
    add("one_vcpu") { $0.maxVcpus = 1 }
    add("zero_vcpus") { $0.maxVcpus = 0 }
    add("bad_eptp") { $0.walkLength = 1 }
    add("bad_tsc") { $0.tscFrequency = 3 }
    add("bad_xfam") { $0.xfam = 1 }
    return list
  }()

  static func parameters(_ text: String) -> UInt64? {
    if text == "unaligned" { return firstParameters + 8 }
    guard let number = parameters.firstIndex(where: { $0.name == text }) else { return nil }
    return firstParameters + UInt64(number) << 12
  }
}
