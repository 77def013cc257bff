package sluice.vdev.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import sluice.dmacore.file.FileFailure;

/**
 * Options of a command that serves devices which are not on its command line, because a program such as libvirt or systemd writes that:
 * those of a file {@code COMMAND.conf} of the system, of the same file of the user, and of the variable {@code SLUICE_OPTIONS}. A later
 * one replaces all with its name of those before, and the command line replaces all of them.
 */
final class Settings {
    /** Separated by blanks. */
    static final String VARIABLE = "SLUICE_OPTIONS";
    /** A number of sockets which a service manager passes from descriptor 3 on, and the process they are for: sd_listen_fds(3). */
    private static final String SOCKETS = "LISTEN_FDS";
    private static final String SOCKETS_FOR = "LISTEN_PID";
    private static final int FIRST_SOCKET = 3;
    private static final Path SYSTEM = Path.of("/etc/sluice");
    private static final Set<String> WITHOUT = Set.of("--help", "-h", "--version", "-V", "--print-capabilities",
            "--list");
    private static final Set<String> SOCKET = Set.of("--socket-path", "--fd");

    private final Path system;
    private final Map<String, String> environment;

    /**
     * @param system folder of the system's files
     * @param environment variables of the process
     */
    Settings(Path system, Map<String, String> environment) {
        this.system = system;
        this.environment = environment;
    }

    /** Those of this process. */
    static Settings ofProcess() {
        return new Settings(SYSTEM, System.getenv());
    }

    /**
     * Completes a command line.
     *
     * @throws IOException a file cannot be read, or has a line that is no option; the message names both
     */
    String[] complete(String[] given) throws IOException {
        if (given.length == 0 || isNothingSet(given[0])) return given;
        for (String option : given) if (WITHOUT.contains(option)) return given;
        String command = given[0];
        List<String> options = new ArrayList<>(List.of(given).subList(1, given.length));
        prepend(options, List.of(environment.getOrDefault(VARIABLE, "").strip().split("\\s+")));
        prepend(options, file(user().resolve(command + ".conf")));
        prepend(options, file(system.resolve(command + ".conf")));
        passSockets(command, options);
        options.addFirst(command);
        return options.toArray(String[]::new);
    }

    /** The usual case, in which a VM waits for the socket. */
    private boolean isNothingSet(String command) {
        return !environment.containsKey(VARIABLE) && !environment.containsKey(SOCKETS)
                && !Files.exists(user().resolve(command + ".conf")) && !Files.exists(system.resolve(command + ".conf"));
    }

    /** Puts options before others, except those that are among these, too. */
    private static void prepend(List<String> options, List<String> less) {
        Set<String> replaced = options.stream().map(Settings::name).collect(Collectors.toSet());
        if (SOCKET.stream().anyMatch(replaced::contains)) replaced.addAll(SOCKET);
        options.addAll(0,
                less.stream().filter(option -> !option.isEmpty() && !replaced.contains(name(option))).toList());
    }

    private static String name(String option) {
        int sign = option.indexOf('=');
        return sign < 0 ? option : option.substring(0, sign);
    }

    /** {@code $XDG_CONFIG_HOME/sluice}, else {@code $HOME/.config/sluice}; a service may have neither. */
    private Path user() {
        String shared = environment.getOrDefault("XDG_CONFIG_HOME", "");
        if (!shared.isEmpty()) return Path.of(shared, "sluice");
        String home = environment.getOrDefault("HOME", "");
        return home.isEmpty() ? system : Path.of(home, ".config", "sluice");
    }

    /** Reads one option per line, unquoted. A line that begins with {@code #} is a comment. A missing file has no options. */
    private static List<String> file(Path file) throws IOException {
        if (!Files.exists(file)) return List.of();
        List<String> options = new ArrayList<>();
        int number = 0;
        for (String line : lines(file)) {
            number++;
            String option = line.strip();
            if (option.isEmpty() || option.startsWith("#")) continue;
            if (!option.startsWith("--")) {
                throw new IOException("%s, line %d: \"%s\" is no option: write one per line, such as --stats=FILE"
                        .formatted(file, number, option));
            }
            options.add(option);
        }
        return options;
    }

    private static List<String> lines(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is " + FileFailure.reason(e), e);
        }
    }

    /** Sockets go to the devices that have none, in their order. */
    private void passSockets(String command, List<String> options) throws IOException {
        String count = environment.getOrDefault(SOCKETS, "");
        String process = environment.getOrDefault(SOCKETS_FOR, "");
        if (count.isEmpty() || !process.equals(Long.toString(ProcessHandle.current().pid()))) return;
        int next = FIRST_SOCKET;
        int end;
        try {
            end = FIRST_SOCKET + Integer.parseInt(count);
        } catch (NumberFormatException e) {
            throw new IOException("%s=%s is not a number".formatted(SOCKETS, count), e);
        }
        if (command.equals("serve")) {
            for (int i = 0; i < options.size() && next < end; i++) {
                String option = options.get(i);
                if (option.startsWith("--device=") && !option.matches("(?s).*,(socket-path|fd)=.*"))
                    options.set(i, option + ",fd=" + next++);
            }
        } else if (next < end && options.stream().map(Settings::name).noneMatch(SOCKET::contains)) {
            options.add("--fd=" + next);
        }
    }
}
