import StandInSources

/// A file of the stand-in for the TDX module.
public struct StandInFile: Hashable, Sendable {
  /// Below `standin/` in the kernel's tree.
  public let path: String
  /// Its text.
  public let text: String

  /// All of them, as this tool was built with.
  public static let all: [StandInFile] = (0..<stand_in_file_count()).map { index in
    let file = stand_in_file_at(index)
    let bytes = UnsafeBufferPointer(start: file.bytes, count: file.size)
    return StandInFile(
      path: String(cString: file.path), text: String(decoding: bytes, as: UTF8.self))
  }

  /// The options of the kernel's configuration.
  static var configuration: String { all.first { $0.path == "kernel.config" }?.text ?? "" }
}
