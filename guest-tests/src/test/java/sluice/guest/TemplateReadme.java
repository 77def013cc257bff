package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The commands in the template's README.
 *
 * @param commands its blocks of shell commands, one for each terminal
 */
record TemplateReadme(List<String> commands) {
    private static final Pattern BLOCK = Pattern.compile("^```sh\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern EXPORT = Pattern.compile("^export [^#\n]*", Pattern.MULTILINE);

    /** The folder in which Sluice is checked out. */
    static Path checkout() {
        Path here = Path.of("").toAbsolutePath();
        return Files.isRegularFile(here.resolve("sluice")) ? here : here.resolveSibling("");
    }

    static TemplateReadme read() throws IOException {
        Matcher blocks = BLOCK.matcher(Files.readString(checkout().resolve("vdev/template/README.md")));
        List<String> found = new ArrayList<>();
        while (blocks.find())
            found.add(blocks.group(1));
        return new TemplateReadme(List.copyOf(found));
    }

    /**
     * One block as a script that can be run anywhere.
     *
     * @param home stands for {@code ~/copy-engine}; every block but the first is run there
     * @param sockets stands for {@code /tmp}, where the sockets are
     * @param cache stands for {@code ~/.cache/sluice}
     */
    String script(int block, Path home, Path sockets, Path cache) {
        StringBuilder script = new StringBuilder("set -eu\ncd '" + checkout() + "'\n");
        if (block > 0) {
            Matcher exports = EXPORT.matcher(commands.getFirst());
            while (exports.find())
                script.append(exports.group()).append('\n');
            script.append("cd ~/copy-engine\n");
        }
        script.append(commands.get(block));
        return script.toString().replace("~/copy-engine", home.toString())
                .replace("=/tmp/", "=" + sockets + "/")
                .replace("\"/tmp/", "\"" + sockets + "/").replace("~/.cache/sluice", cache.toString());
    }
}
