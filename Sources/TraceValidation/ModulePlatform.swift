import SpecLanguage
import SpecProgram

/// Why a trace cannot be compared with a spec.
public struct TraceError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The file, or the spec, cannot be used at all.
    case unusable
    /// The file ends within a line or within its compressed data.
    case torn
  }
  public let kind: Kind
  /// `FILE:LINE: what is wrong`.
  public let description: String

  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}

/// The names of a recording of the TDX module, as numbers of a spec's elements.
///
/// The recording's platform: 48 loose pages, two 2 MB blocks, three 2 MB regions of GPA space at
/// 4 levels, 2 TDs with 2 vCPUs each, 4 LPs in 2 packages, 3 HKIDs.
struct ModulePlatform: Sendable {
  static let spec = "tdx/module"
  static let scope = "recorded"

  let loose: Int
  let columns: Int
  let regions: Int
  let levels: Int
  let tds = 2
  let vcpusPerTD = 2
  let lps = 4
  let packages = 2
  let hkids = 3
  let blocks = 2

  /// - Throws: when the program has not the recording's sizes.
  init(_ program: Program) throws(TraceError) {
    func size(_ name: String) throws(TraceError) -> Int {
      guard let value = program.scope.value(of: name) else {
        throw TraceError(.unusable, "\(program.spec.name) has no parameter '\(name)'")
      }
      return value
    }
    loose = try size("loose")
    columns = try size("columns")
    regions = try size("regions")
    levels = try size("levels")
    let wanted = [
      ("loose", 48), ("columns", 5), ("regions", 3), ("levels", 4), ("tds", tds),
      ("vcpus", tds * vcpusPerTD), ("lps", lps), ("packages", packages), ("hkids", hkids),
      ("blocks", blocks + 1), ("pages", 58), ("entries", 21),
    ]
    for (name, value) in wanted where try size(name) != value {
      throw TraceError(
        .unusable, "recordings of the TDX module have \(name)=\(value); use --scope \(Self.scope)")
    }
  }

  /// The page at an address, `nil` when the name is no page's.
  func page(_ name: String) -> Int? {
    if let number = Self.number(name, after: "page:") { return number < loose ? number : nil }
    guard name.hasPrefix("block:") else { return nil }
    let parts = name.dropFirst(6).split(separator: "+", omittingEmptySubsequences: false)
    guard let block = Int(parts[0]), block >= 0, block < blocks else { return nil }
    let column = parts.count == 1 ? 0 : Int(parts[1])
    // The last column stands for the pages without a name.
    guard parts.count <= 2, let column, column >= 0, column < columns - 1 else { return nil }
    return loose + block * columns + column
  }

  func pageName(_ page: Int) -> String {
    if page < loose { return "page:\(page)" }
    return "block:\((page - loose) / columns)+\((page - loose) % columns)"
  }

  func td(_ name: String) -> Int? {
    Self.number(name, after: "td:").flatMap { $0 < tds ? $0 : nil }
  }

  func vcpu(_ name: String) -> Int? {
    guard name.hasPrefix("vcpu:") else { return nil }
    let parts = name.dropFirst(5).split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let td = Int(parts[0]), let vcpu = Int(parts[1]), td >= 0, td < tds,
      vcpu >= 0, vcpu < vcpusPerTD
    else { return nil }
    return td * vcpusPerTD + vcpu
  }

  func vcpuName(_ vcpu: Int) -> String { "vcpu:\(vcpu / vcpusPerTD).\(vcpu % vcpusPerTD)" }

  func hkid(_ name: String) -> Int? {
    Self.number(name, after: "hkid:").flatMap { $0 < hkids ? $0 : nil }
  }

  /// The region of a GPA and its column there.
  private static let gpas = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (2, 0)]

  /// The entry for a GPA at a level; `nil` when the GPA is not aligned for it.
  func entry(gpa: Int, level: Int) -> Int? {
    let (region, column) = Self.gpas[gpa]
    switch level {
    case 0: return region * columns + column
    case 1: return column == 0 ? regions * columns + region : nil
    case 2: return column == 0 && region % 2 == 0 ? regions * (columns + 1) + region / 2 : nil
    default: return column == 0 && region == 0 ? regions * (columns + 1) + (regions + 1) / 2 : nil
    }
  }

  /// The entries above an entry of a GPA, the root's first.
  func entriesAbove(gpa: Int, level: Int) -> [Int] {
    let (region, _) = Self.gpas[gpa]
    let all = [
      regions * columns + region, regions * (columns + 1) + region / 2,
      regions * (columns + 1) + (regions + 1) / 2,
    ]
    return all[min(level, 3)...].reversed()
  }

  static var gpaCount: Int { gpas.count }

  static func number(_ name: String, after prefix: String) -> Int? {
    guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number >= 0 else {
      return nil
    }
    return number
  }
}
