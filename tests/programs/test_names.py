"""Who the peer is, on this machine: the cases of each line, and small C hosts."""
from lab import LAB, LabTest, main
from names import NameCases


class Names(NameCases, LabTest):
    def host(self, *words):
        return lambda port: [LAB / "lab_names", *(str(word).replace("PORT", str(port)) for word in words)]

    def test_every_function_of_the_resolver(self):
        for function in ("getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r", "gethostbyname2_r"):
            with self.subTest(function=function):
                argv = self.host(function, "api.lab", "PORT")
                self.assert_governed(argv, "api.lab", "api.lab:PORT", how=r"\(resolver\), port PORT: ")
                self.assert_governed(argv, "127.0.0.1", how=r"\(address\), port PORT: ")

    def test_a_connect_bio(self):
        # The name that the BIO was told, and not the last one that led to its address.
        argv = self.host("bio", "api.lab", "PORT", "second.lab")
        self.assert_governed(argv, "api.lab", "api.lab:PORT", how=r"api\.lab \(bio\), port PORT: ")
        self.assert_free(argv, "second.lab", "api.lab:1", "127.0.0.1")

    def test_many_names_that_are_verified(self):
        for count in range(4, 8):
            names = [f"n{number}.lab" for number in range(count)]
            self.assert_governed(self.host("getaddrinfo", "api.lab", "PORT", *names, "localhost"), "localhost")

    def test_a_name_that_was_resolved_before_any_constructor(self):
        self.assert_governed(self.host("constructor", "api.lab", "PORT"), "api.lab")

    def test_a_guessed_name_makes_no_exception(self):
        argv = self.connect("127.0.0.1", "socket.gethostbyname('api.lab')")
        off = ("api.lab", self.genuine.pin, 'mode = "off";')
        for identity in (self.genuine, self.other):
            with self.subTest(right=identity is self.genuine), self.serve(identity) as server:
                policy = self.policy(("*", self.genuine.pin), off)
                result = self.on_named_machine(argv(server.port), policy)
                if identity is self.genuine:
                    self.assert_accepted(result, server)
                else:
                    self.assert_no_data(result, server)
                    self.assertIn(f"{policy}:4", result.err, result)
        with self.subTest("unnamed"), self.count_bytes() as listener:
            result = self.on_named_machine(argv(listener.port), self.policy(off, extra='unnamed = "refuse";'))
            self.assertEqual(0, listener.next(), result)
            self.assertIn("PeerUnnamed", result.err)

    def test_an_address_that_is_verified_beside_a_name_tells_the_port(self):
        for way in ("socket", "memory"):
            with self.subTest(way=way):
                def argv(port, way=way):
                    return [LAB / "lab_verified", way, "unresolved.lab", "127.0.0.1", port]

                self.assert_governed(argv, "unresolved.lab:PORT", how=r"unresolved\.lab \(sni\), port PORT: ")
                # The pin of another port lets nobody pass.
                with self.serve(self.other) as server:
                    policy = self.policy((f"unresolved.lab:{server.port}", self.genuine.pin),
                                         ("unresolved.lab:1", self.other.pin))
                    result = self.on_named_machine(argv(server.port), policy)
                    self.assert_no_data(result, server)
                    self.assertIn(f"{policy}:4", result.err, result)
                self.assert_free(argv, "unresolved.lab:1")

    def test_another_preload_that_answers_for_names(self):
        ours = self.library
        other = LAB / "liblab_resolver.so"
        for self.library in (f"{ours}:{other}", f"{other}:{ours}"):
            self.assert_governed(self.host("getaddrinfo", "wrapped.lab", "PORT"), "127.0.0.1")
        # The one that comes after ours answers ours.
        self.library = f"{ours}:{other}"
        self.assert_governed(self.host("getaddrinfo", "wrapped.lab", "PORT"), "wrapped.lab")


if __name__ == "__main__":
    main()
