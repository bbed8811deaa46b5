// Asks the JSSE trust manager of this Java about chains, at a given time.
// Reads a folder: questions.txt with lines "number role seconds", and for each number
// NUMBER.chain.pem (leaf first, as sent), NUMBER.anchors.pem and NUMBER.crls.pem. Prints "number<TAB>A|R|?<TAB>words".

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRL;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathParameters;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.PKIXRevocationChecker.Option;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Date;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class SecondOpinion {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        for (String line : Files.readAllLines(folder.resolve("questions.txt"))) {
            String[] parts = line.split(" ");
            System.out.println(parts[0] + "\t" + answer(folder, parts));
        }
    }

    private static String answer(Path folder, String[] parts) {
        String number = parts[0];
        String role = parts[1];
        X509Certificate[] chain;
        X509TrustManager manager;
        try {
            chain = read(folder.resolve(number + ".chain.pem")).toArray(new X509Certificate[0]);
            PKIXBuilderParameters parameters = parameters(read(folder.resolve(number + ".anchors.pem")));
            parameters.setDate(new Date(Long.parseLong(parts[2]) * 1000));
            addLists(parameters, folder.resolve(number + ".crls.pem"));
            manager = manager(parameters);
        } catch (Exception error) {
            return "R\tnot read: " + words(error);
        }
        try {
            String type = chain[0].getPublicKey().getAlgorithm();
            if (role.equals("client")) {
                manager.checkClientTrusted(chain, type);
            } else {
                manager.checkServerTrusted(chain, "UNKNOWN"); // as in TLS 1.3: any key exchange
            }
            return "A\taccepted";
        } catch (CertificateException error) {
            return "R\t" + words(error);
        } catch (RuntimeException error) {
            return "R\tbroken off: " + words(error);
        }
    }

    private static PKIXBuilderParameters parameters(Collection<X509Certificate> anchors) throws Exception {
        Set<TrustAnchor> trusted = new HashSet<>();
        for (X509Certificate one : anchors) {
            trusted.add(new TrustAnchor(one, null));
        }
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(trusted, null);
        parameters.setRevocationEnabled(false);
        return parameters;
    }

    // Revocation lists, if there are any, and nothing else: no responder is called.
    private static void addLists(PKIXBuilderParameters parameters, Path file) throws Exception {
        Collection<? extends CRL> lists;
        try (InputStream input = Files.newInputStream(file)) {
            lists = CertificateFactory.getInstance("X.509").generateCRLs(input);
        }
        if (lists.isEmpty()) {
            return;
        }
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        PKIXRevocationChecker checker =
                (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        checker.setOptions(EnumSet.of(Option.PREFER_CRLS, Option.NO_FALLBACK));
        parameters.addCertPathChecker(checker);
        parameters.setRevocationEnabled(true);
    }

    private static X509TrustManager manager(PKIXBuilderParameters parameters) throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(new CertPathTrustManagerParameters((CertPathParameters) parameters));
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    @SuppressWarnings("unchecked")
    private static Collection<X509Certificate> read(Path file) throws Exception {
        try (InputStream input = Files.newInputStream(file)) {
            Collection<? extends Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(input);
            return (Collection<X509Certificate>) found;
        }
    }

    private static String words(Throwable error) {
        Throwable deepest = error;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        String said = error.getMessage() + (deepest == error ? "" : " (" + deepest.getMessage() + ")");
        return said.replaceAll("\\s+", " ");
    }
}
