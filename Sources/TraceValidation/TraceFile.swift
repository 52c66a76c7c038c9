import Foundation

/// The lines of a trace file, unpacked if it is a gzip file.
package struct TraceFile {
  package let path: String
  private let bytes: [UInt8]
  /// The file ends within its compressed data; nothing of it can be trusted then.
  package let lines: [Range<Int>]
  /// The last line has no end.
  package let endsWithinLine: Bool

  /// Time and memory are linear in the unpacked size.
  ///
  /// - Throws: when the file cannot be read or is no gzip file though it is packed.
  package init(_ path: String) throws(TraceError) {
    self.path = path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TraceError(.unusable, "\(path): cannot be read")
    }
    let raw = [UInt8](data)
    if Gunzip.isGzip(raw) {
      do {
        bytes = try Gunzip.unpack(raw)
      } catch {
        throw TraceError(error.kind == .torn ? .torn : .unusable, "\(path): \(error)")
      }
    } else {
      bytes = raw
    }
    var lines: [Range<Int>] = []
    var start = 0
    bytes.withUnsafeBufferPointer { bytes in
      for position in bytes.indices where bytes[position] == 0x0a {
        lines.append(start..<position)
        start = position + 1
      }
    }
    endsWithinLine = start < bytes.count
    if endsWithinLine { lines.append(start..<bytes.count) }
    self.lines = lines
  }

  /// The bytes of a line, counted from 0.
  func bytes(of line: Int) -> ArraySlice<UInt8> { bytes[lines[line]] }

  /// The value on a line, counted from 0; `nil` when the line is empty.
  ///
  /// - Throws: `torn` when it is the last line and ends too soon.
  package func value(at line: Int) throws(TraceError) -> TraceValue? {
    let range = lines[line]
    let result = bytes.withUnsafeBufferPointer {
      (bytes) -> Result<TraceValue, TraceSyntaxError>? in
      let text = UnsafeBufferPointer(rebasing: bytes[range])
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x0d }) { return nil }
      do throws(TraceSyntaxError) {
        return .success(try TraceParser.parse(text))
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case nil: return nil
    case .success(let value): return value
    case .failure(let error):
      let isTorn = error.isTorn && endsWithinLine && line == lines.count - 1
      throw TraceError(
        isTorn ? .torn : .unusable, "\(path):\(line + 1):\(error.column): \(error.message)")
    }
  }
}
