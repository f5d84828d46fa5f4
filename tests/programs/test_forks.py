"""Hosts that fork while they are in the middle of something, with handlers of their own: they end, and hang nowhere."""
from lab import LAB, LabTest, main


class Forks(LabTest):
    def assert_ends(self, case):
        result = self.graft([LAB / "lab_forkers", case], self.pinned(self.genuine))
        self.assertEqual((0, "done\n"), (result.status, result.out), result)

    def test_handlers_that_look_up_names_and_make_contexts(self):
        self.assert_ends("handlers")

    def test_a_handler_that_waits_for_a_thread_that_looks_up_a_name(self):
        self.assert_ends("waits")

    def test_a_signal_that_forks_while_names_are_looked_up_and_contexts_made(self):
        self.assert_ends("signals")


if __name__ == "__main__":
    main()
