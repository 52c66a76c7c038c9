import Foundation

/// A kernel's source, in a folder of the build's own: it gets the stand-in's files there.
struct SourceTree {
  /// The folder.
  let path: String
  /// Which kernel it is.
  let release: KernelRelease

  /// The line that the tree's Kbuild gets; nothing else of the kernel's is changed.
  static let hook = "obj-y += standin/\n"
  /// The file beside the folder that says what it was made of.
  private static let stamp = "source.from"

  /// The tree that was unpacked into the work folder before, or a new one. Of a folder, what is
  /// newer than the copy is copied again.
  ///
  /// - Parameters:
  ///   - source: a folder, a tar archive, or a Debian package with a tar archive in it.
  ///   - work: the build's folder.
  ///   - run: runs a command in the work folder.
  init(
    source: String, work: String, run: ([String]) throws(KernelBuildError) -> Void
  ) throws(KernelBuildError) {
    path = work + "/source"
    let identity = try Self.identity(of: source)
    let stamp = work + "/" + Self.stamp
    let files = FileManager.default
    let before = try? String(contentsOfFile: stamp, encoding: .utf8)
    // A folder is looked at before it is copied.
    if Self.isFolder(source) { _ = try Self.release(of: source, from: source) }
    if before != identity || !files.fileExists(atPath: path) {
      try? files.removeItem(atPath: stamp)
      try? files.removeItem(atPath: path)
      do throws(KernelBuildError) {
        try Self.unpack(source, to: path, in: work, run)
      } catch  where error.kind == .failed {
        throw KernelBuildError(.unusable, error.description)
      }
    } else if Self.isFolder(source) {
      try Self.copy(source, to: path, run)
    }
    release = try Self.release(of: path, from: source)
    try Self.addStandIn(to: path)
    try Self.write(identity, to: stamp)
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  private static func copy(
    _ folder: String, to copy: String, _ run: ([String]) throws(KernelBuildError) -> Void
  ) throws(KernelBuildError) {
    let source = URL(fileURLWithPath: folder).standardizedFileURL.path
    try makeFolder(copy)
    try run(["cp", "-a", "-u", "--reflink=auto", source + "/.", copy])
  }

  /// What tells one tree from another: the source's path, the stand-in's headers, and an archive's
  /// size and time of change.
  private static func identity(of source: String) throws(KernelBuildError) -> String {
    guard let about = try? FileManager.default.attributesOfItem(atPath: source) else {
      throw KernelBuildError(.unusable, "\(source): there is no such file or folder")
    }
    // Objects do not know a header that came before theirs after they were compiled.
    let headers = StandInFile.all.map(\.path).filter { $0.hasPrefix("include/") }.sorted()
    let absolute =
      URL(fileURLWithPath: source).standardizedFileURL.path + " "
      + headers.joined(separator: " ")
    if isFolder(source) { return "\(absolute)\n" }
    let changed = (about[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    let size = (about[.size] as? Int) ?? 0
    return "\(absolute) \(size) \(changed)\n"
  }

  /// Into a folder beside, which takes its name when it is whole.
  private static func unpack(
    _ source: String, to path: String, in work: String,
    _ run: ([String]) throws(KernelBuildError) -> Void
  ) throws(KernelBuildError) {
    let files = FileManager.default
    let source = URL(fileURLWithPath: source).standardizedFileURL.path
    let partial = path + ".partial"
    try? files.removeItem(atPath: partial)
    if isFolder(source) {
      try copy(source, to: partial, run)
    } else if source.hasSuffix(".deb") {
      let package = path + ".package"
      try? files.removeItem(atPath: package)
      try run(["dpkg-deb", "-x", source, package])
      try extract(try archive(in: package, of: source), to: partial, run)
      try? files.removeItem(atPath: package)
    } else {
      try extract(source, to: partial, run)
    }
    guard rename(partial, path) == 0 else {
      throw KernelBuildError(.failed, "\(path): \(String(cString: strerror(errno)))")
    }
  }

  private static func extract(
    _ archive: String, to folder: String, _ run: ([String]) throws(KernelBuildError) -> Void
  ) throws(KernelBuildError) {
    try makeFolder(folder)
    try run(["tar", "-xf", archive, "-C", folder, "--strip-components=1"])
  }

  /// Debian's `linux-source-*` have the tree in `usr/src`.
  private static func archive(
    in package: String, of source: String
  ) throws(KernelBuildError) -> String {
    let folder = package + "/usr/src"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    guard let name = names.first(where: { $0.hasPrefix("linux-source-") && $0.contains(".tar") })
    else { throw KernelBuildError(.unusable, "\(source): it has no usr/src/linux-source-*.tar.*") }
    return folder + "/" + name
  }

  private static func release(
    of path: String, from source: String
  ) throws(KernelBuildError) -> KernelRelease {
    let text = (try? String(contentsOfFile: path + "/Makefile", encoding: .utf8)) ?? ""
    guard let release = KernelRelease(makefile: text) else {
      throw KernelBuildError(
        .unusable, "\(source): it is no kernel's source: its Makefile has no VERSION")
    }
    guard release >= .oldest else {
      throw KernelBuildError(
        .unusable, "\(source): Linux \(release); KVM for TDX came with \(KernelRelease.oldest)")
    }
    return release
  }

  /// Files that are as they shall be are not written, so that nothing is compiled for them.
  private static func addStandIn(to path: String) throws(KernelBuildError) {
    for file in StandInFile.all {
      let target = "\(path)/standin/\(file.path)"
      try makeFolder(URL(fileURLWithPath: target).deletingLastPathComponent().path)
      if (try? String(contentsOfFile: target, encoding: .utf8)) != file.text {
        try write(file.text, to: target)
      }
    }
    let list = path + "/Kbuild"
    guard let text = try? String(contentsOfFile: list, encoding: .utf8) else {
      throw KernelBuildError(.unusable, "\(list): it cannot be read")
    }
    if !text.hasSuffix(hook) { try write(text + hook, to: list) }
  }

  static func makeFolder(_ path: String) throws(KernelBuildError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw KernelBuildError(.unusable, "\(path): it cannot be made: \(reason(error))")
    }
  }

  /// Whole or not at all.
  static func write(_ text: String, to path: String) throws(KernelBuildError) {
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw KernelBuildError(.unusable, "\(path): it cannot be written: \(reason(error))")
    }
  }

  /// What the system says of a file, without where in the library it was noticed.
  static func reason(_ error: any Error) -> String {
    let outer = error as NSError
    let inner = (outer.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError }
    let system = [inner, outer].compactMap(\.self).first { $0.domain == NSPOSIXErrorDomain }
    return system.map { String(cString: strerror(Int32($0.code))) } ?? error.localizedDescription
  }
}
