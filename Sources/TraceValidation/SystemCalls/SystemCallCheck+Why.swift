import SpecLanguage
import SpecProgram

/// What a call would answer after a trace.
public struct CallForecast: Sendable {
  public let call: String
  public let kernel: TraceKernel
  /// Each answer, by the ways in which the trace can be read; one when it tells all.
  public let answers: [(answer: String, check: String, looked: [LookedAt])]
  /// The first call of the trace that the spec does not explain: the answer is that before it.
  public let refused: TraceRefusal?
}

/// What a release does with a trace.
public struct ReleaseVerdict: Sendable {
  public let kernel: TraceKernel
  public let verdict: SystemCallVerdict
}

extension SystemCallCheck {
  /// What a call would answer after a trace, in the words of recordings:
  /// `KVM_CREATE_VCPU id=1`. What it is on is by default the last of its kind.
  ///
  /// - Throws: `unusable` for a file or a call that is not of the format.
  public func forecast(
    _ text: String, after path: String, format: SystemCallFormat?, release: String? = nil
  ) throws(TraceError) -> CallForecast {
    let trace = try SystemCallTrace(path, format)
    let traced = TracedVMs(trace)
    let (step, history) = try asked(text, traced)
    let explaining = try check(file: path, format: trace.format, release: release).kernels.first
    let kernel =
      history.isTD ? TraceKernel.td : explaining ?? .gmem(3, host: TraceHost(traced).parameters)
    do throws(SpecError) {
      var replay = try HistoryReplay(history, more: [step], kernel, programs(kernel))
      var refused: TraceRefusal?
      var answers: [TraceWorld.Answer] = []
      do throws(ModuleCallError) {
        for past in history.steps {
          if try replay.take(past) { continue }
          refused = try refusal(past, replay, path)
          break
        }
        answers = try replay.answers([step])
      } catch {
        throw SpecError("TDX2016", error.message)
      }
      return CallForecast(
        call: step.text, kernel: kernel, answers: answers.map { ($0.answer, $0.check, $0.looked) },
        refused: refused)
    } catch {
      throw TraceError(.unusable, "\(path): \(error.code) \(error.message)")
    }
  }

  /// What each release does with a trace; of TDs only the one that `kvm/tdx` is.
  public func profile(
    file path: String, format: SystemCallFormat?
  ) throws(TraceError) -> [ReleaseVerdict] {
    let trace = try SystemCallTrace(path, format)
    let traced = TracedVMs(trace)
    return kernels(traced, nil).map {
      ReleaseVerdict(kernel: $0, verdict: verdict(trace, traced, $0))
    }
  }

  private func asked(
    _ text: String, _ traced: TracedVMs
  ) throws(TraceError) -> (KVMStep, VMHistory) {
    var words = text.split(separator: " ").map(String.init)
    guard !words.isEmpty else { throw TraceError(.unusable, "no call is named") }
    let op = words.removeFirst()
    var arguments: [String: TraceValue] = [:]
    for word in words {
      guard let equals = word.firstIndex(of: "=") else {
        throw TraceError(.unusable, "'\(word)': an argument is NAME=VALUE")
      }
      let value = String(word[word.index(after: equals)...])
      arguments[String(word[..<equals])] = Self.value(value, list: word.hasPrefix("args="))
    }
    let wanted = arguments["on"]?.text
    for history in traced.histories.reversed() {
      guard let on = Self.descriptor(op, wanted, history) else { continue }
      arguments["on"] = .text(on)
      if arguments["new"] == nil, Self.making.contains(op) { arguments["new"] = .text("new") }
      return (KVMStep(op, arguments, ret: 0, errno: nil), history)
    }
    throw TraceError(.unusable, "\(op): the trace has nothing that it could be made on")
  }

  private static let making: Set = ["KVM_CREATE_VCPU", "KVM_CREATE_GUEST_MEMFD", "mmap"]

  private static func value(_ text: String, list: Bool) -> TraceValue {
    if list {
      return .list(text.split(separator: ",").map { value(String($0), list: false) })
    }
    if text == "true" || text == "false" { return .bool(text == "true") }
    return Int(text).map { .number($0) } ?? .text(text)
  }

  private static let ofVCPU: Set = [
    "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_GET_CPUID", "KVM_RUN",
    "KVM_SET_CPUID2", "KVM_PRE_FAULT_MEMORY", "KVM_SMI", "KVM_NMI", "KVM_SET_MP_STATE",
  ]
  private static let ofMemory: Set = ["fallocate", "fstat", "ftruncate", "pread", "pwrite", "mmap"]

  /// What the call is made on: the one that is named, or the last that was made.
  private static func descriptor(
    _ op: String, _ wanted: String?, _ history: VMHistory
  ) -> String? {
    if wanted == "dev" { return "dev" }
    let maker =
      ofVCPU.contains(op)
      ? "KVM_CREATE_VCPU"
      : ofMemory.contains(op)
        ? "KVM_CREATE_GUEST_MEMFD" : ["touch", "munmap"].contains(op) ? "mmap" : "KVM_CREATE_VM"
    let made = history.steps.compactMap(\.recorded).filter { $0.answer == "ok" }
    let names = made.filter { wanted != nil || $0.op == maker }.compactMap { $0.text("new") }
    return wanted.map { names.contains($0) ? $0 : nil } ?? names.last
  }
}
