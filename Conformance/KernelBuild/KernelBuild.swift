import Foundation

/// Builds the kernels of the `qemu:` backends from a distribution's source.
///
/// The kernel's files stay as they are, but for a line in `Kbuild` that adds the folder `standin`.
/// A header there comes before the kernel's of the same name. See `docs/decisions/0020`.
public struct KernelBuild {
  /// A folder, a tar archive, or a Debian package `linux-source-*`.
  public var source: String
  /// Where the images go.
  public var target: String
  /// Where it is unpacked and built; what is there of an earlier build is used.
  public var work: String
  /// How many compilers run at once.
  public var jobs: Int

  /// Where programs are looked for.
  var path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
  /// Headers of libraries that the build needs, and the Debian package of each.
  var headers = ["/usr/include/gelf.h": "libelf-dev"]

  /// A build that was not begun.
  public init(source: String, target: String, work: String, jobs: Int) {
    self.source = source
    self.target = target
    self.work = work
    self.jobs = jobs
  }

  /// What comes next, or how far it is.
  public enum Progress: Hashable, Sendable {
    /// A step begins.
    case step(String)
    /// So many files are compiled.
    case compiled(Int)
  }

  /// What was built.
  public struct Built: Hashable, Sendable {
    /// Which kernel.
    public var release: KernelRelease
    /// The images, by how they are booted.
    public var images: [BootForm: String]
  }

  /// How many files are compiled for Linux 7.3, for an estimate.
  public static let usualFiles = 1_510

  /// What the build needs, and the Debian package of each.
  private static let programs = [
    "make": "make", "gcc": "gcc", "ld": "binutils", "flex": "flex", "bison": "bison", "bc": "bc",
    "tar": "tar", "xz": "xz-utils",
  ]

  /// Builds.
  ///
  /// - Parameters:
  ///   - isStopped: asked several times a second; the build ends soon after it says true, and a
  ///     later one in the same work folder goes on.
  ///   - onProgress: gets each step and each compiled file.
  public func run(
    isStopped: @escaping () -> Bool, onProgress: @escaping (Progress) -> Void
  ) throws(KernelBuildError) -> Built {
    try checkPrograms()
    onProgress(.step("unpacking \(source)"))
    try SourceTree.makeFolder(work)
    try SourceTree.makeFolder(target)
    let log = try openLog()
    defer { try? log.close() }
    func command(
      _ words: [String], in folder: String, onLine: (Substring) -> Void = { _ in }
    ) throws(KernelBuildError) {
      do throws(KernelBuildError) {
        try BuildCommand(words: words, folder: folder, path: path)
          .run(log: log, isStopped: isStopped, onLine: onLine)
      } catch  where error.kind == .failed {
        throw KernelBuildError(.failed, "\(error.description)\n\(complaints())")
      }
    }
    let tree = try SourceTree(source: source, work: work) { words throws(KernelBuildError) in
      try command(words, in: work)
    }
    onProgress(.step("configuring Linux \(tree.release)"))
    try configure(tree) { words throws(KernelBuildError) in try command(words, in: tree.path) }
    onProgress(.step("compiling Linux \(tree.release) with the stand-in"))
    var compiled = 0
    try command(Self.make(tree, jobs), in: tree.path) { line in
      guard line.hasPrefix("  CC ") || line.hasPrefix("  AS ") else { return }
      compiled += 1
      onProgress(.compiled(compiled))
    }
    return try install(tree)
  }

  private func checkPrograms() throws(KernelBuildError) {
    let folders = path.split(separator: ":")
    let files = FileManager.default
    var missing = Self.programs.filter { program in
      !folders.contains { files.isExecutableFile(atPath: "\($0)/\(program.key)") }
    }
    for header in headers where !files.fileExists(atPath: header.key) {
      missing[header.key] = header.value
    }
    guard !missing.isEmpty else { return }
    throw KernelBuildError(
      .missing,
      "the build needs \(missing.keys.sorted().joined(separator: ", ")); "
        + "apt-get install \(Set(missing.values).sorted().joined(separator: " ")) has them")
  }

  private var logPath: String { work + "/build.log" }

  private func openLog() throws(KernelBuildError) -> FileHandle {
    guard FileManager.default.createFile(atPath: logPath, contents: nil),
      let log = FileHandle(forWritingAtPath: logPath)
    else { throw KernelBuildError(.unusable, "\(logPath): it cannot be written") }
    return log
  }

  /// The lines of the log that say why, or its last ones.
  private func complaints() -> String {
    let text = String(
      decoding: FileManager.default.contents(atPath: logPath) ?? Data(), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline)
    let errors = lines.filter { $0.contains("error:") || $0.contains("Error ") }
    let shown = (errors.isEmpty ? lines.suffix(5) : errors.prefix(5)).map { "  \($0)" }
    return (shown + ["  all of it: \(logPath)"]).joined(separator: "\n")
  }

  private func configure(
    _ tree: SourceTree, _ run: ([String]) throws(KernelBuildError) -> Void
  ) throws(KernelBuildError) {
    let wanted = KernelConfiguration(StandInFile.configuration)
    let path = tree.path + "/.config"
    func present() -> KernelConfiguration {
      KernelConfiguration((try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
    }
    // A configuration that is as it shall be stays, and nothing is compiled again for its sake.
    if wanted.unmet(in: present()).isEmpty { return }
    try run(["make", "tinyconfig"])
    try run(["scripts/kconfig/merge_config.sh", "-m", ".config", "standin/kernel.config"])
    try run(["make", "olddefconfig"])
    let unmet = wanted.unmet(in: present())
    guard unmet.isEmpty else {
      throw KernelBuildError(
        .failed,
        "Linux \(tree.release) does not take \(unmet.joined(separator: ", ")); see \(path)")
    }
  }

  /// The header of the stand-in is found before the kernel's.
  private static func make(_ tree: SourceTree, _ jobs: Int) -> [String] {
    [
      "make", "-j\(jobs)", "NOSTDINC_FLAGS=-nostdinc -I\(tree.path)/standin/include", "bzImage",
    ]
  }

  private func install(_ tree: SourceTree) throws(KernelBuildError) -> Built {
    let image = tree.path + "/arch/x86/boot/bzImage"
    guard let data = FileManager.default.contents(atPath: image) else {
      throw KernelBuildError(.failed, "\(image): it is not there after the build")
    }
    var images: [BootForm: String] = [:]
    for form in BootForm.allCases {
      let path = "\(target)/\(form.imageName(tree.release))"
      do {
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
      } catch {
        throw KernelBuildError(
          .unusable, "\(path): it cannot be written: \(SourceTree.reason(error))")
      }
      try SourceTree.write(form.options, to: path + ".options")
      images[form] = path
    }
    return Built(release: tree.release, images: images)
  }
}
