/// Names files anew so that specs need few: one that is gone leaves its name to one of its size.
struct FileNames {
  private(set) var steps: [TracedStep]
  private var renamed: [String: String] = [:]
  /// Names that are free, by the VM and the size of their files.
  private var free: [Kind: [String]] = [:]
  private var kinds: [String: Kind] = [:]
  private var count = 0

  private struct Kind: Hashable {
    let vm: Substring
    let size: UInt64
  }

  /// - Parameter steps: of one history, in order; each file has a name of its own.
  init(_ steps: [TracedStep]) {
    self.steps = steps
    let ends = Self.ends(steps)
    for number in steps.indices {
      if steps[number].op == "KVM_CREATE_GUEST_MEMFD", let call = steps[number].recorded,
        let new = call.text("new")
      {
        name(new, size: call.answer == "ok" ? call.number("size") ?? 0 : 0)
      }
      rename(number)
      for file in ends[number] ?? [] { release(file) }
    }
  }

  /// For each step the files that nothing can keep after it: closed, unmapped, named no more.
  private static func ends(_ steps: [TracedStep]) -> [Int: [String]] {
    var last: [String: Int] = [:]
    var isOpen: [String: Bool] = [:]
    var mapped: [String: Int] = [:]
    var files: [String: String] = [:]
    for (number, step) in steps.enumerated() {
      guard let call = step.recorded else { continue }
      for name in [call.text("new"), call.text("gmem"), call.on].compactMap({ $0 }) {
        last[files[name] ?? name] = number
      }
      switch step.op {
      case "KVM_CREATE_GUEST_MEMFD": call.text("new").map { isOpen[$0] = call.answer == "ok" }
      case "close" where !call.byChild: isOpen[call.on] = false
      case "mmap" where call.answer == "ok":
        mapped[call.on, default: 0] += 1
        call.text("new").map { files[$0] = call.on }
      case "munmap": files[call.on].map { mapped[$0, default: 0] -= 1 }
      default: continue
      }
    }
    var result: [Int: [String]] = [:]
    for (file, open) in isOpen where !open && mapped[file, default: 0] == 0 {
      last[file].map { result[$0, default: []].append(file) }
    }
    return result
  }

  private mutating func name(_ file: String, size: UInt64) {
    guard renamed[file] == nil else { return }
    // A file of another VM keeps to that VM's names.
    let kind = Kind(vm: file.prefix { $0 != "." }, size: size)
    if let old = free[kind]?.popLast() {
      renamed[file] = old
    } else {
      count += 1
      renamed[file] = "\(kind.vm).\(count)"
    }
    kinds[file] = kind
  }

  private mutating func release(_ file: String) {
    guard let name = renamed[file], let kind = kinds[file] else { return }
    renamed[file] = nil
    free[kind, default: []].append(name)
  }

  private mutating func rename(_ number: Int) {
    let step = steps[number]
    steps[number] = TracedStep(
      line: step.line, pid: step.pid, candidates: step.candidates.map(renamed),
      missing: step.missing
    )
  }

  private func renamed(_ call: KVMStep) -> KVMStep {
    guard case .members(let members) = call.arguments else { return call }
    var arguments: [String: TraceValue] = [:]
    for (key, value) in members {
      let isName = ["new", "on", "gmem"].contains(key)
      arguments[key] =
        isName ? value.text.flatMap { renamed[$0] }.map { .text($0) } ?? value : value
    }
    return KVMStep(
      call.op, arguments, ret: call.ret, errno: call.errno, byChild: call.byChild, out: call.out)
  }
}
