package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** Writes what a package of Sluice has besides programs, from the descriptions of its commands: manual pages and bash completion. */
final class Manual {
    private static final int WIDTH = 100;

    private Manual() {}

    /** @param arguments a folder, created if missing */
    public static void main(String[] arguments) throws IOException {
        write(Path.of(arguments[0]));
    }

    /** Writes {@code sluice.1}, a page for each command such as {@code sluice-gpu.1}, and {@code sluice.bash}. */
    static void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        CommandLine all = Main.commandLine();
        Files.writeString(folder.resolve("sluice.1"), page("sluice", all));
        for (Map.Entry<String, CommandLine> command : all.getSubcommands().entrySet()) {
            String name = "sluice-" + command.getKey();
            Files.writeString(folder.resolve(name + ".1"), page(name, command.getValue()));
        }
        Files.writeString(folder.resolve("sluice.bash"), AutoComplete.bash("sluice", all));
    }

    /** A page of man(7): the text of {@code --help} as it is. */
    private static String page(String name, CommandLine command) {
        command.setUsageHelpWidth(WIDTH);
        String[] description = command.getCommandSpec().usageMessage().description();
        StringBuilder page = new StringBuilder();
        page.append(".TH ").append(name.replace("-", "\\-")).append(" 1\n.SH NAME\n").append(name.replace("-", "\\-"))
                .append(" \\- ").append(escaped(description.length == 0 ? name : description[0]))
                .append("\n.SH SYNOPSIS\n.nf\n");
        for (String line : command.getUsageMessage(Ansi.OFF).split("\n", -1)) page.append(escaped(line)).append('\n');
        return page.append(".fi\n").toString();
    }

    private static String escaped(String line) {
        String text = line.replace("\\", "\\e").replace("-", "\\-");
        return text.startsWith(".") || text.startsWith("'") ? "\\&" + text : text;
    }
}
