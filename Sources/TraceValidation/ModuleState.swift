import SpecLanguage
import SpecProgram

/// Reads a spec's state by the names of its variables.
struct StateReader: Sendable {
  private let bases: [String: (base: Int, strides: [Int])]
  private let lows: [Int]

  init(_ program: Program) {
    var bases: [String: (base: Int, strides: [Int])] = [:]
    for place in program.namedPlaces { bases[place.name] = (place.base, place.strides) }
    self.bases = bases
    lows = program.cells.map(\.low)
  }

  /// Where the variable of that name is.
  ///
  /// - Throws: when the spec has none.
  func cells(_ name: String) throws(TraceError) -> CellReader {
    guard let found = bases[name] else {
      throw TraceError(.unusable, "the spec has no variable '\(name)' to compare")
    }
    return CellReader(base: found.base, strides: found.strides)
  }
}

/// One variable's cells. All ranges that are compared start at 0, so a code is its value.
struct CellReader: Sendable {
  let base: Int
  let strides: [Int]

  subscript(_ state: [Int], _ index: Int) -> Int { state[base + index * strides[0]] }
  subscript(_ state: [Int], _ a: Int, _ b: Int) -> Int {
    state[base + a * strides[0] + b * strides[1]]
  }
}

/// The variables of the module's spec that recordings show.
struct ModuleVariables: Sendable {
  let life, fatal, children, numTDCX, hkid, configured, opState, numVCPUs: CellReader
  let numAssoc, epoch, refcount, entryState, target, vcpuTD, vcpuState, assoc: CellReader
  let vcpuEpoch, vcpuPages, inGuest, type, owner, bepoch, vcpuAt, large: CellReader
  let largeEpoch, kot, pending, wbPoint: CellReader

  init(_ program: Program) throws(TraceError) {
    let reader = StateReader(program)
    life = try reader.cells("lifecycle_state")
    fatal = try reader.cells("fatal")
    children = try reader.cells("chldcnt")
    numTDCX = try reader.cells("num_tdcx")
    hkid = try reader.cells("hkid")
    configured = try reader.cells("pkg_config_bitmap")
    opState = try reader.cells("op_state")
    numVCPUs = try reader.cells("num_vcpus")
    numAssoc = try reader.cells("num_assoc_vcpus")
    epoch = try reader.cells("td_epoch")
    refcount = try reader.cells("refcount")
    entryState = try reader.cells("sept")
    target = try reader.cells("sept_page")
    vcpuTD = try reader.cells("vcpu_td")
    vcpuState = try reader.cells("vcpu_state")
    assoc = try reader.cells("assoc_lpid")
    vcpuEpoch = try reader.cells("vcpu_epoch")
    vcpuPages = try reader.cells("num_tdvps_pages")
    inGuest = try reader.cells("in_guest")
    type = try reader.cells("pamt_type")
    owner = try reader.cells("pamt_owner")
    bepoch = try reader.cells("bepoch")
    vcpuAt = try reader.cells("tdvpr_vcpu")
    large = try reader.cells("pamt_2m_owner")
    largeEpoch = try reader.cells("bepoch_2m")
    kot = try reader.cells("kot_state")
    pending = try reader.cells("kot_wbinvd_bitmap")
    wbPoint = try reader.cells("wbt_intr_point")
  }
}

/// The names of the states, in the order of the spec's numbers.
enum ModuleNames {
  static let life = [
    "absent", "TD_HKID_ASSIGNED", "TD_KEYS_CONFIGURED", "TD_BLOCKED", "TD_TEARDOWN",
  ]
  static let opState = ["UNINITIALIZED", "INITIALIZED", "RUNNABLE"]
  static let entry = [
    "FREE", "NL_MAPPED", "NL_BLOCKED", "MAPPED", "BLOCKED", "PENDING", "PENDING_BLOCKED",
  ]
  static let vcpu = ["VCPU_UNINITIALIZED", "VCPU_READY", "VCPU_ACTIVE", "VCPU_DISABLED"]
  static let page = ["NDA", "TDR", "TDCX", "TDVPR", "REG", "EPT"]
  static let kot = ["HKID_FREE", "HKID_ASSIGNED", "HKID_FLUSHED"]
}
