import SpecProgram

/// A value of one key of the recorded state: numbers in the order of the JSON list, an empty list
/// for null.
typealias Observed = [Int]

/// One key of the recorded state: how a spec's state shows it and how JSON spells it.
struct ModuleKey: Sendable {
  enum Kind: Hashable, Sendable {
    case life, fatal, chldcnt, numTDCX, hkid, keyPackages
    case opState, numVCPUs, numAssoc, epoch, refcount
    case vcpu, entry, kot, package, lp, page, block
  }

  let name: String
  let kind: Kind
  /// The TD that it belongs to, if any.
  let td: Int
  /// The vCPU, entry, HKID, package, LP, page or block.
  let index: Int
  /// For an entry: its level, and the entries above it.
  var level = 0
  var above: [Int] = []

  /// Not to be compared while the TD's keys are gone: its pages cannot be read then.
  var freezes: Bool {
    switch kind {
    case .opState, .numVCPUs, .numAssoc, .epoch, .refcount, .vcpu, .entry: true
    default: false
    }
  }
}

extension ModulePlatform {
  /// Every key of the recorded state (§6 of the format).
  var keys: [ModuleKey] {
    var keys: [ModuleKey] = []
    for td in 0..<tds {
      let fields: [(String, ModuleKey.Kind)] = [
        ("lifecycle_state", .life), ("fatal", .fatal), ("chldcnt", .chldcnt),
        ("num_tdcx", .numTDCX), ("hkid", .hkid), ("key_pkgs", .keyPackages),
        ("op_state", .opState), ("num_vcpus", .numVCPUs), ("num_assoc_vcpus", .numAssoc),
        ("epoch", .epoch), ("refcount", .refcount),
      ]
      keys += fields.map { ModuleKey(name: "td:\(td).\($0)", kind: $1, td: td, index: td) }
      for vcpu in td * vcpusPerTD..<(td + 1) * vcpusPerTD {
        keys.append(ModuleKey(name: vcpuName(vcpu), kind: .vcpu, td: td, index: vcpu))
      }
      for gpa in 0..<Self.gpaCount {
        for level in 0..<levels {
          guard let entry = entry(gpa: gpa, level: level) else { continue }
          keys.append(
            ModuleKey(
              name: "td:\(td)/gpa:\(gpa)/\(level)", kind: .entry, td: td, index: entry,
              level: level, above: entriesAbove(gpa: gpa, level: level)))
        }
      }
    }
    for n in 0..<hkids { keys.append(ModuleKey(name: "hkid:\(n)", kind: .kot, td: 0, index: n)) }
    for n in 0..<packages {
      keys.append(ModuleKey(name: "pkg:\(n)", kind: .package, td: 0, index: n))
    }
    for n in 0..<lps { keys.append(ModuleKey(name: "lp:\(n)", kind: .lp, td: 0, index: n)) }
    for n in 0..<loose { keys.append(ModuleKey(name: "page:\(n)", kind: .page, td: 0, index: n)) }
    for block in 0..<blocks {
      for column in 0..<2 {
        let page = loose + block * columns + column
        keys.append(ModuleKey(name: pageName(page), kind: .page, td: 0, index: page))
      }
      keys.append(ModuleKey(name: "block:\(block)", kind: .block, td: 0, index: block))
    }
    return keys
  }
}

/// Shows a spec's state as recordings do.
struct ModuleObserver: Sendable {
  let platform: ModulePlatform
  let variables: ModuleVariables
  let keys: [ModuleKey]
  private static let neededTDCX = 6
  private static let pagesInBlock = 512

  init(_ program: Program) throws(TraceError) {
    platform = try ModulePlatform(program)
    variables = try ModuleVariables(program)
    keys = platform.keys
  }

  /// The value of a key in a state.
  func value(of key: ModuleKey, in state: [Int]) -> Observed {
    let v = variables
    switch key.kind {
    case .vcpu:
      guard v.vcpuTD[state, key.index] != 0 else { return [] }
      return [
        v.vcpuState[state, key.index], v.assoc[state, key.index], v.vcpuEpoch[state, key.index],
        v.vcpuPages[state, key.index],
      ]
    case .entry: return entry(key, state)
    case .kot: return [v.kot[state, key.index], bitmap(v.pending, key.index, state)]
    case .package: return [v.wbPoint[state, key.index]]
    case .lp:
      let vcpu = v.inGuest[state, key.index]
      return vcpu == 0 ? [] : [vcpu - 1]
    case .page: return page(key.index, state)
    case .block: return block(key.index, state)
    default: return td(key, state)
    }
  }

  private func bitmap(_ cells: CellReader, _ index: Int, _ state: [Int]) -> Int {
    (0..<platform.packages).reduce(0) { $0 | cells[state, index, $1] << $1 }
  }

  private func td(_ key: ModuleKey, _ state: [Int]) -> Observed {
    let v = variables
    let t = key.td
    guard v.life[state, t] != 0 else { return [] }
    switch key.kind {
    case .life: return [v.life[state, t]]
    case .fatal: return [v.fatal[state, t]]
    case .chldcnt: return [v.children[state, t]]
    case .numTDCX: return [v.numTDCX[state, t]]
    case .hkid: return v.hkid[state, t] == 0 ? [] : [v.hkid[state, t] - 1]
    case .keyPackages: return [bitmap(v.configured, t, state)]
    default: break
    }
    guard v.numTDCX[state, t] >= Self.neededTDCX else { return [] }
    switch key.kind {
    case .opState: return [v.opState[state, t]]
    case .numVCPUs: return [v.numVCPUs[state, t]]
    case .numAssoc: return [v.numAssoc[state, t]]
    case .epoch: return [v.epoch[state, t]]
    default: return [v.refcount[state, t, 0], v.refcount[state, t, 1]]
    }
  }

  private func entry(_ key: ModuleKey, _ state: [Int]) -> Observed {
    let v = variables
    guard v.life[state, key.td] != 0, v.numTDCX[state, key.td] >= Self.neededTDCX else { return [] }
    for above in key.above {
      let isTable = [1, 2].contains(v.entryState[state, key.td, above])
      if !isTable { return [] }
    }
    let found = v.entryState[state, key.td, key.index]
    return found == 0 ? [0] : [found, v.target[state, key.td, key.index] - 1]
  }

  private func page(_ page: Int, _ state: [Int]) -> Observed {
    let v = variables
    let type = v.type[state, page]
    switch type {
    case 0, 1: return [type]
    case 2, 3: return [type, v.owner[state, page] - 1]
    default: return [type, v.owner[state, page] - 1, v.bepoch[state, page]]
    }
  }

  private func block(_ block: Int, _ state: [Int]) -> Observed {
    let v = variables
    let first = platform.loose + block * platform.columns
    let used = (0..<platform.columns).reduce(0) { sum, column in
      guard v.type[state, first + column] != 0 else { return sum }
      let isRest = column == platform.columns - 1
      return sum + (isRest ? Self.pagesInBlock - column : 1)
    }
    let owner = v.large[state, block + 1]
    return owner == 0 ? [0, used] : [4, owner - 1, v.largeEpoch[state, block + 1], used]
  }
}
