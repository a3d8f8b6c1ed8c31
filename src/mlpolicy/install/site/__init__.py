"""The folder that `mlpolicy run` puts first on the path of Python: it holds a `sitecustomize`."""
