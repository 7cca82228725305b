"""The AWS side: what the cluster needs, made, shown and deleted with boto3; and the way into Redshift."""
