/*
 * What the compiler's start files, which are left out (see CMakeLists.txt), define: pthread_atfork(3) tells
 * by it whose handlers it is given. They stay, for the object is never unloaded.
 */
extern void *const __dso_handle; /* NOLINT(bugprone-reserved-identifier) */
void *const __dso_handle = (void *)&__dso_handle;
