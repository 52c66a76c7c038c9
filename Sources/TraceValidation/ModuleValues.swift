/// Between values of recordings and numbers.
extension ModulePlatform {
  /// A recorded value of a key; `nil` when it is none.
  func observed(_ value: TraceValue, of key: ModuleKey) -> Observed? {
    if case .null = value { return canBeNull(key.kind) ? [] : nil }
    switch (key.kind, value) {
    case (.life, .text(let name)): return index(name, ModuleNames.life)
    case (.opState, .text(let name)): return index(name, ModuleNames.opState)
    case (.fatal, .bool(let value)): return [value ? 1 : 0]
    case (.hkid, .text(let name)): return hkid(name).map { [$0] }
    case (.lp, .text(let name)): return vcpu(name).map { [$0] }
    case (.chldcnt, .number(let n)), (.numTDCX, .number(let n)), (.keyPackages, .number(let n)),
      (.numVCPUs, .number(let n)), (.numAssoc, .number(let n)), (.epoch, .number(let n)),
      (.package, .number(let n)):
      return [n]
    case (.entry, .text("FREE")), (.page, .text("NDA")): return [0]
    case (_, .list(let parts)): return observed(parts, of: key)
    default: return nil
    }
  }

  private func canBeNull(_ kind: ModuleKey.Kind) -> Bool {
    switch kind {
    case .kot, .package, .page, .block: false
    default: true
    }
  }

  private func observed(_ parts: [TraceValue], of key: ModuleKey) -> Observed? {
    switch key.kind {
    case .refcount: return numbers(parts, 2)
    case .vcpu:
      guard parts.count == 4, let state = index(parts[0].text, ModuleNames.vcpu),
        let rest = numbers(Array(parts[2...]), 2)
      else { return nil }
      if case .null = parts[1] { return state + [0] + rest }
      return parts[1].number.map { state + [$0 + 1] + rest }
    case .entry:
      guard parts.count == 2, let state = index(parts[0].text, ModuleNames.entry),
        let page = parts[1].text.flatMap(page)
      else { return nil }
      return state + [page]
    case .kot:
      guard parts.count == 2, let state = index(parts[0].text, ModuleNames.kot),
        let bitmap = parts[1].number
      else { return nil }
      return state + [bitmap]
    case .page, .block: return metadata(parts)
    default: return nil
    }
  }

  /// A PAMT entry: its type, its owner if any, numbers.
  private func metadata(_ parts: [TraceValue]) -> Observed? {
    guard let first = parts.first, var result = index(first.text, ModuleNames.page) else {
      return nil
    }
    for part in parts.dropFirst() {
      switch part {
      case .number(let number): result.append(number)
      case .text(let name):
        guard let owner = td(name) else { return nil }
        result.append(owner)
      default: return nil
      }
    }
    return result
  }

  private func numbers(_ parts: [TraceValue], _ count: Int) -> [Int]? {
    let numbers = parts.compactMap(\.number)
    return numbers.count == count && parts.count == count ? numbers : nil
  }

  private func index(_ name: String?, _ names: [String]) -> [Int]? {
    names.firstIndex { $0 == name }.map { [$0] }
  }

  /// The value as recordings spell it.
  func text(_ value: Observed, of key: ModuleKey) -> String {
    func name(_ names: [String], _ n: Int) -> String {
      names.indices.contains(n) ? names[n] : "\(n)"
    }
    guard let first = value.first else { return "null" }
    switch key.kind {
    case .life: return name(ModuleNames.life, first)
    case .opState: return name(ModuleNames.opState, first)
    case .fatal: return first == 0 ? "false" : "true"
    case .hkid: return "hkid:\(first)"
    case .lp: return vcpuName(first)
    case .chldcnt, .numTDCX, .keyPackages, .numVCPUs, .numAssoc, .epoch, .package:
      return "\(first)"
    case .refcount: return "\(value)"
    case .vcpu:
      let lp = value[1] == 0 ? "null" : "\(value[1] - 1)"
      return "[\(name(ModuleNames.vcpu, first)), \(lp), \(value[2]), \(value[3])]"
    case .entry:
      let state = name(ModuleNames.entry, first)
      return value.count == 1 ? state : "[\(state), \(pageName(value[1]))]"
    case .kot: return "[\(name(ModuleNames.kot, first)), \(value[1])]"
    case .page, .block:
      let parts = [name(ModuleNames.page, first)] + value.dropFirst().map { "\($0)" }
      return "[\(parts.joined(separator: ", "))]"
    }
  }
}
