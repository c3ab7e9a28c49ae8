import Support
import Testing

@Suite struct ParentPathTests {
    @Test(arguments: [
        ("a/b/c", "a/b"), ("a/b/c/", "a/b"), ("a//b", "a"), ("o", ""), ("é", ""), ("é/b", "é"), ("", ""),
        ("/", "/"),
        ("//", "/"), ("/a", "/"), ("/a/b", "/a"), ("o/", ""), ("../x", ".."), ("日本/語", "日本"),
    ])
    func parents(path: String, parent: String) { #expect(path.parentPath == parent) }
}
