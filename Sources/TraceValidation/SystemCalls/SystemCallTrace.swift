/// How a trace of system calls is written.
public enum SystemCallFormat: String, Sendable, CaseIterable {
  case strace
  /// JSON lines, one a call (docs/traces.md).
  case calls
  /// What `trace-cmd report` prints.
  case traceCmd = "trace-cmd"
}

/// The system calls of a trace, in the order in which they returned.
struct SystemCallTrace {
  let path: String
  let format: SystemCallFormat
  private(set) var calls: [SystemCall] = []
  /// The file ends within this line; what stands before it was read.
  private(set) var torn: TraceError?

  /// Reads a whole file. Time and memory are linear in its unpacked size.
  ///
  /// - Parameter format: nil to tell it by the first line.
  /// - Throws: `unusable` for a line that is not of the format, with its place.
  init(_ path: String, _ format: SystemCallFormat?) throws(TraceError) {
    self.path = path
    let file = try TraceFile(path)
    if let format { self.format = format } else { self.format = try Self.detect(file) }
    var strace = StraceReader()
    var traceCmd = TraceCmdReader()
    for line in file.lines.indices {
      let text = file.bytes(of: line)
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x0d }) { continue }
      do throws(LineError) {
        switch self.format {
        case .strace: add(try strace.read(text, line: line + 1))
        case .traceCmd: add(try traceCmd.read(text, line: line + 1))
        case .calls: add(try Self.record(text, line + 1))
        }
      } catch {
        let isTorn = file.endsWithinLine && line == file.lines.count - 1
        let place = "\(path):\(line + 1):\(error.column): \(error.message)"
        guard isTorn else { throw TraceError(.unusable, place) }
        torn = TraceError(.torn, place)
      }
    }
  }

  private mutating func add(_ call: SystemCall?) { call.map { calls.append($0) } }

  private static func record(
    _ text: ArraySlice<UInt8>, _ line: Int
  ) throws(LineError) -> SystemCall? {
    let value = text.withUnsafeBufferPointer { bytes -> Result<TraceValue, TraceSyntaxError> in
      do throws(TraceSyntaxError) {
        return .success(try TraceParser.parse(bytes))
      } catch {
        return .failure(error)
      }
    }
    switch value {
    case .failure(let error):
      throw LineError(column: error.column, message: error.message, isTorn: error.isTorn)
    case .success(let value):
      do throws(ModuleCallError) {
        return try CallRecord.read(value, line: line)
      } catch {
        throw LineError(column: 1, message: error.message, isTorn: false)
      }
    }
  }

  /// JSON begins with a brace; trace-cmd has the CPU in brackets after the task.
  private static func detect(_ file: TraceFile) throws(TraceError) -> SystemCallFormat {
    for line in file.lines.indices {
      let text = file.bytes(of: line)
      guard let first = text.first(where: { $0 != 0x20 && $0 != 0x0d }) else { continue }
      if first == UInt8(ascii: "{") { return .calls }
      let string = String(decoding: text, as: UTF8.self)
      if string.hasPrefix("cpus=") { return .traceCmd }
      return (try? TraceCmdEvent(string)) == nil ? .strace : .traceCmd
    }
    throw TraceError(.unusable, "\(file.path): there is no line in it")
  }
}
